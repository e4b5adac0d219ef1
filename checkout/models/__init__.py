"""The order: a snapshot that nothing re-prices, its stock movements, its parcels, its history."""

from .intake import AnswerRow, Intake, Upload
from .order import Draft, InvalidTransition, Order, OrderEvent, OrderLine
from .promotion import Promotion, Redemption
from .requests import CancellationRequest, EmailCorrection, OrderSearch, PrivacyRequest
from .shipment import Shipment, ShipmentItem
from .stock import StockMovement

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
