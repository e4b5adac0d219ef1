"""The order: a snapshot that nothing re-prices, its stock movements, its parcels, its history."""

from .draft import Draft
from .intake import AnswerRow, Intake, Upload
from .order import Delivery, InvalidTransition, Order, OrderEvent, OrderLine
from .promotion import Promotion, Redemption
from .requests import CancellationRequest, EmailCorrection, OrderSearch, PrivacyRequest
from .shipment import Shipment, ShipmentCorrection, ShipmentItem
from .stock import HoldOrigin, StockMovement

__all__ = [
    "AnswerRow",
    "CancellationRequest",
    "Delivery",
    "Draft",
    "EmailCorrection",
    "HoldOrigin",
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
    "ShipmentCorrection",
    "ShipmentItem",
    "StockMovement",
    "Upload",
]
