"""The order: a snapshot that nothing re-prices, its stock movements, its parcels, its history."""

from checkout.models.intake import AnswerRow, Intake, Upload
from checkout.models.order import Draft, InvalidTransition, Order, OrderEvent, OrderLine
from checkout.models.promotion import Promotion, Redemption
from checkout.models.requests import CancellationRequest, EmailCorrection, OrderSearch, PrivacyRequest
from checkout.models.shipment import Shipment, ShipmentItem
from checkout.models.stock import StockMovement

__all__ = [
    "AnswerRow",
    "CancellationRequest",
    "Draft",
    "EmailCorrection",
    "Intake",
    "InvalidTransition",
    "Order",
    "OrderEvent",
    "OrderLine",
    "OrderSearch",
    "PrivacyRequest",
    "Promotion",
    "Redemption",
    "Shipment",
    "ShipmentItem",
    "StockMovement",
    "Upload",
]
