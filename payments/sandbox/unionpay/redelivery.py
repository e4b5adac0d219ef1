"""Notifications that nobody waits for: all once more, or one that is not UnionPay's."""

import secrets
from typing import Any

from payments.gateways.unionpay.wire import form_encoded
from payments.sandbox import store
from payments.sandbox.faults import registry as faults

from . import notifications, transactions
from .envelope import sealed
from .forgeries import forged
from .transactions import names_of

SHUFFLE = secrets.SystemRandom().shuffle


def resend(reference: str) -> dict[str, Any]:
    """Every notification about the payment again, twice, in any order; without a reference all of them."""
    notices = [
        one
        for one in store.every("unionpay")
        if one["code"] and one["notice"]["url"] and faults.is_meant(reference, names_of(one))
    ]
    if not notices:
        raise faults.NotPossible("there is no notification")
    copies = [*notices, *notices]
    SHUFFLE(copies)
    return {"statuses": [_send(transaction) for transaction in copies]}


def forge(reference: str, variant: str) -> dict[str, Any]:
    """Someone tells the shop that this payment was made, whatever is true."""
    payments = [one for one in store.every("unionpay") if one["fields"]["txnType"] == "01"]
    meant = [one for one in payments if faults.is_meant(reference, names_of(one))]
    if not reference or not meant:
        raise faults.NotPossible("no such payment")
    fields = forged(transactions.notice(meant[-1]) | {"respCode": "00"}, variant)
    status = notifications.post(meant[-1]["notice"]["url"], form_encoded(fields))
    notifications.log("forged notification", meant[-1], status=status, variant=variant)
    return {"variant": variant, "status": status}


def _send(transaction: transactions.Transaction) -> int:
    body = form_encoded(sealed(transactions.notice(transaction)))
    status = notifications.post(transaction["notice"]["url"], body)
    notifications.log("notification", transaction, status=status, again=True)
    return status
