"""Notifications that nobody waits for: all once more, or one that is not UnionPay's."""

import secrets
from typing import Any

from payments.gateways.unionpay.wire import form_encoded
from payments.sandbox import store
from payments.sandbox.faults import registry as faults

from . import notifications, transactions
from .envelope import signed_fields
from .forgeries import forged
from .transactions import names_of

SHUFFLE = secrets.SystemRandom().shuffle


def resend(reference: str) -> dict[str, Any]:
    """Send every notification about the payment twice, in any order; without a reference all of them."""
    notices = [
        transaction
        for transaction in store.every("unionpay")
        if transaction["code"]
        and transaction["notice"]["url"]
        and faults.is_meant(reference, names_of(transaction))
    ]
    if not notices:
        raise faults.NotPossible("there is no notification")
    copies = [*notices, *notices]
    SHUFFLE(copies)
    return {"statuses": [_send(transaction) for transaction in copies]}


def send_forgery(reference: str, variant: str) -> dict[str, Any]:
    """Tell the shop, as a stranger would, that this payment was made, whatever is true."""
    purchases = [each for each in store.every("unionpay") if each["fields"]["txnType"] == "01"]
    named = [purchase for purchase in purchases if faults.is_meant(reference, names_of(purchase))]
    if not reference or not named:
        raise faults.NotPossible("no such payment")
    fields = forged(transactions.notice(named[-1]) | {"respCode": "00"}, variant)
    status = notifications.post(named[-1]["notice"]["url"], form_encoded(fields))
    notifications.log("forged notification", named[-1], status=status, variant=variant)
    return {"variant": variant, "status": status}


def _send(transaction: transactions.Transaction) -> int:
    body = form_encoded(signed_fields(transactions.notice(transaction)))
    status = notifications.post(transaction["notice"]["url"], body)
    notifications.log("notification", transaction, status=status, again=True)
    return status
