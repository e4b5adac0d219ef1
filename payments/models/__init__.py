"""The money: attempts to pay, what was taken and given back, and what gateways told us."""

from payments.models.dispute import Dispute
from payments.models.gateway_event import GatewayEvent
from payments.models.ledger import LedgerEntry
from payments.models.payment import Payment, new_key
from payments.models.refund import Refund, RefundLine
from payments.models.told_parcel import ToldParcel

__all__ = [
    "Dispute",
    "GatewayEvent",
    "LedgerEntry",
    "Payment",
    "Refund",
    "RefundLine",
    "ToldParcel",
    "new_key",
]
