"""What a client who wants a copy of everything is told of payments."""

from typing import Any

from checkout.models import Order
from checkout.signals import Holdings

from .models import LedgerEntry, Refund


def holdings(sender: type[Order], order: Order, **_kwargs: Any) -> Holdings:
    paid = ("method", "status", "amount", "currency", "reference", "last4", "started_at", "captured_at")
    back = ("amount", "shipping", "reason", "status", "origin", "started_at", "done_at")
    refunds = Refund.objects.filter(payment__order=order)
    ledger = LedgerEntry.objects.filter(payment__order=order)
    return Holdings(
        {
            "payments": list(order.payments.values(*paid)),
            "refunds": list(refunds.values(*back)),
            "ledger": list(ledger.values("kind", "amount", "at")),
        }
    )
