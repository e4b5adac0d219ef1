"""Back notifications: sent after the fact, again after anything but 200. UnionPay waits minutes, we wait
seconds.
"""

from typing import Any

import requests

from payments.gateways.unionpay.wire import form_encoded
from payments.sandbox import store
from payments.sandbox.faults import notifications as faulty_notifications

from . import transactions
from .envelope import signed_fields
from .forgeries import forged
from .transactions import Transaction, is_suspended, names_of

DELAY = 0.8
RETRIES = [1, 2, 4, 5]
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


def announce(transaction: Transaction) -> None:
    """Have the outcome of a decided transaction told to the shop."""
    transaction["notice"] |= {"tries": 0, "done": not transaction["notice"]["url"]}
    transactions.save(transaction)
    store.after(DELAY, deliver, transaction["id"])


@faulty_notifications.sender("unionpay")
def deliver(transaction_id: str) -> None:
    """Send once, unless otherwise planned; try again later unless the shop answered 200."""
    transaction = _due(transaction_id)
    if transaction is None:
        return
    is_first = not transaction["notice"]["tries"]
    status = post(transaction["notice"]["url"], _body(transaction))
    with store.transaction():
        transaction = store.get("unionpay", transaction_id) or transaction
        notice: dict[str, Any] = transaction["notice"]
        notice["tries"] += 1
        notice["done"] = status == 200 or notice["tries"] > len(RETRIES)
        transactions.save(transaction)
    log("notification", transaction, status=status)
    if not notice["done"]:
        store.after(RETRIES[notice["tries"] - 1], deliver, transaction_id)
    if is_first:
        for _ in range(notice["copies"] - 1):
            store.after(0, _send_copy, transaction_id)
        faulty_notifications.sent("unionpay", notice["turn"])


def _due(transaction_id: str) -> Transaction | None:
    """The transaction if its notification is to be sent now."""
    with store.transaction():
        transaction = store.get("unionpay", transaction_id)
        if (
            transaction is None
            or transaction["notice"]["done"]
            or faulty_notifications.is_held("unionpay", transaction_id)
        ):
            return None
        if is_suspended(transaction):  # announced again when its outcome may be known
            return None
        notice: dict[str, Any] = transaction["notice"]
        if not notice.get("planned"):
            notice |= faulty_notifications.plan("unionpay", transaction_id, names_of(transaction))
            notice["done"] = notice["lost"]
            transactions.save(transaction)
            if notice["lost"] or faulty_notifications.is_held("unionpay", transaction_id):
                return None
    return transaction


def _body(transaction: Transaction) -> bytes:
    fields = transactions.notice(transaction)
    notice = transaction["notice"]
    if notice["variant"] and not notice["tries"]:
        return form_encoded(forged(fields, notice["variant"]))
    return form_encoded(signed_fields(fields))


def _send_copy(transaction_id: str) -> None:
    transaction = store.get("unionpay", transaction_id)
    if transaction:
        body = form_encoded(signed_fields(transactions.notice(transaction)))
        log("notification", transaction, status=post(transaction["notice"]["url"], body), again=True)


def resume() -> None:
    """Deliver what a restart has interrupted. For the sandbox server to call when it starts."""
    faulty_notifications.resume()
    for transaction in store.every("unionpay"):
        if not transaction["notice"]["done"]:
            store.after(DELAY, deliver, transaction["id"])


def log(kind: str, transaction: Transaction, **more: Any) -> None:
    """Write a line about a transaction into the sandbox's log."""
    fields = transaction["fields"]
    amount, currency = transactions.amount(transaction)
    store.log(
        "unionpay",
        kind,
        references=[fields["orderId"]],
        query_id=transaction["query_id"],
        original=fields.get("origQryId", ""),
        amount=str(amount),
        currency=currency,
        request_id=f"{fields['orderId']}-{fields['txnTime']}",
        **more,
    )


def post(url: str, body: bytes) -> int:
    """Send it and return the status of the shop's answer; 0 without one."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(
                url, data=body, headers=_HEADERS, timeout=10, allow_redirects=False
            ).status_code
        except requests.RequestException:
            return 0
