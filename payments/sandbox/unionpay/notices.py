"""Back notifications: sent after the fact, again after anything but 200. UnionPay waits minutes, we wait
seconds.
"""

from typing import Any

import requests

from payments.gateways.unionpay.wire import form_encoded
from payments.sandbox import store

from . import transactions
from .envelope import sealed
from .transactions import Transaction

DELAY = 0.8
RETRIES = [1, 2, 4, 5]
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


def announce(transaction: Transaction) -> None:
    """Have the outcome of a decided transaction told to the shop."""
    transaction["notice"] |= {"tries": 0, "done": not transaction["notice"]["url"]}
    transactions.save(transaction)
    store.after(DELAY, deliver, transaction["id"])


def deliver(transaction_id: str) -> None:
    """Send once; try again later unless the shop answered 200."""
    transaction = store.get("unionpay", transaction_id)
    if transaction is None or transaction["notice"]["done"]:
        return
    body = form_encoded(sealed(transactions.notice(transaction)))
    status = _post(transaction["notice"]["url"], body)
    with store.transaction():
        transaction = store.get("unionpay", transaction_id) or transaction
        notice: dict[str, Any] = transaction["notice"]
        notice["tries"] += 1
        notice["done"] = status == 200 or notice["tries"] > len(RETRIES)
        transactions.save(transaction)
    log("notification", transaction, status=status)
    if not notice["done"]:
        store.after(RETRIES[notice["tries"] - 1], deliver, transaction_id)


def resume() -> None:
    """Deliver what a restart has interrupted. For the sandbox server to call when it starts."""
    for transaction in store.every("unionpay"):
        if not transaction["notice"]["done"]:
            store.after(DELAY, deliver, transaction["id"])


def log(kind: str, transaction: Transaction, **more: Any) -> None:
    """One line of the sandbox's log about a transaction."""
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


def _post(url: str, body: bytes) -> int:
    """The status of the shop's answer; 0 without one."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(
                url, data=body, headers=_HEADERS, timeout=10, allow_redirects=False
            ).status_code
        except requests.RequestException:
            return 0
