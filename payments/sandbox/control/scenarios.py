"""What a merchant can let go wrong, in plain words: a scenario is a fault or an act, and a few questions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

GATEWAYS = {"paypal": "PayPal", "unionpay": _("UnionPay credit card")}
GROUPS = {
    "paying": (_("Paying"), _("What the gateway says while somebody pays.")),
    "line": (_("The line to the gateway"), _("What happens between the shop and the gateway.")),
    "notifications": (_("Notifications"), _("What the gateway tells the shop by itself.")),
    "after": (_("After the payment"), _("What happens to money that has been paid.")),
}


@dataclass(frozen=True)
class Scenario:
    """``orders``: what is ordered, by gateway; ``asks``: what the merchant may choose, see ``questions``."""

    name: str
    group: str
    title: str | Promise
    text: str | Promise
    orders: Mapping[str, Mapping[str, Any]]
    asks: tuple[str, ...] = field(default=())

    def is_act(self, gateway: str) -> bool:
        """Happens at once, to one payment."""
        return "act" in self.orders[gateway]


def _both(**order: Any) -> dict[str, dict[str, Any]]:
    return {"paypal": order, "unionpay": order}


def _notice(**order: Any) -> dict[str, dict[str, Any]]:
    return {"paypal": {"on": "webhook", **order}, "unionpay": {"on": "notification", **order}}


SCENARIOS = (
    Scenario(
        "declined",
        "paying",
        _("The payment is declined"),
        _("No money moves. The buyer reads why, and what to do next."),
        {"paypal": {"on": "capture", "fault": "decline"}, "unionpay": {"on": "purchase", "fault": "code"}},
        ("declined",),
    ),
    Scenario(
        "declined_kept",
        "paying",
        _("The card is declined, but PayPal keeps the approval"),
        _("No money moves. The shop must not try again by itself: the buyer was told that none was taken."),
        {"paypal": {"on": "capture", "fault": "decline", "leaves": "APPROVED"}},
    ),
    Scenario(
        "review",
        "paying",
        _("The payment is under review"),
        _("PayPal keeps the money for a while before it counts. Until then nothing may be shipped."),
        {"paypal": {"on": "capture", "fault": "pending"}},
        ("minutes", "then"),
    ),
    Scenario(
        "unknown",
        "paying",
        _("Nobody knows whether it was paid"),
        _("The bank has accepted the payment, but says later what became of it."),
        {"unionpay": {"on": "purchase", "fault": "unknown"}},
        ("minutes", "then"),
    ),
    Scenario(
        "tampered",
        "paying",
        _("The gateway tells another amount"),
        _("The buyer pays what is due, but the gateway says something else. The shop must not believe it."),
        {"paypal": {"on": "capture", "fault": "tamper"}, "unionpay": {"on": "purchase", "fault": "tamper"}},
        ("told_amount",),
    ),
    Scenario(
        "silence",
        "line",
        _("No answer comes"),
        _("The gateway does nothing and says nothing."),
        _both(fault="hang"),
        ("on", "seconds"),
    ),
    Scenario(
        "answer_lost",
        "line",
        _("The work is done, the answer is lost"),
        _("The most dangerous moment: the money may have moved, and the shop does not know."),
        _both(fault="reset_after"),
        ("on",),
    ),
    Scenario(
        "error_after",
        "line",
        _("An error message, although the work is done"),
        _("The gateway does what it was asked, and then reports a failure."),
        _both(fault="error_after"),
        ("on",),
    ),
    Scenario(
        "broken",
        "line",
        _("The connection breaks"),
        _("Before the gateway has done anything."),
        _both(fault="reset"),
        ("on",),
    ),
    Scenario(
        "down",
        "line",
        _("The gateway is out of order"),
        _("It answers with an error and does nothing."),
        _both(fault="error", status=503),
        ("on",),
    ),
    Scenario(
        "slow",
        "line",
        _("The answer comes late"),
        _("The gateway takes its time, then everything is as it should be."),
        _both(fault="slow"),
        ("on", "seconds"),
    ),
    Scenario(
        "busy",
        "line",
        _("Too many questions"),
        _("The gateway asks the shop to come again later."),
        _both(fault="rate_limit"),
        ("on",),
    ),
    Scenario(
        "signed_out",
        "line",
        _("PayPal no longer knows the shop"),
        _("The shop has to log in again before it goes on."),
        {"paypal": {"fault": "unauthorized"}},
        ("on",),
    ),
    Scenario(
        "nonsense",
        "line",
        _("The answer makes no sense"),
        _("The work is done, but what comes back cannot be read."),
        _both(fault="garbage"),
        ("on",),
    ),
    Scenario(
        "lost",
        "notifications",
        _("A notification is lost"),
        _("The shop has to find out by itself."),
        _notice(fault="lost"),
    ),
    Scenario(
        "delayed",
        "notifications",
        _("A notification is late"),
        _("It arrives when nobody waits for it any more."),
        _notice(fault="delay"),
        ("delay",),
    ),
    Scenario(
        "repeated",
        "notifications",
        _("A notification arrives several times"),
        _("All copies at the same moment. It must count once."),
        _notice(fault="duplicate"),
        ("copies",),
    ),
    Scenario(
        "overtaken",
        "notifications",
        _("Notifications arrive in the wrong order"),
        _("A notification is held back until a later one has arrived."),
        _notice(fault="reorder"),
    ),
    Scenario(
        "forged",
        "notifications",
        _("Somebody sends a forged notification"),
        _("It says that the chosen payment was made. The shop must not believe it."),
        _both(act="forged_notification"),
        ("variant",),
    ),
    Scenario(
        "again",
        "notifications",
        _("All notifications once more"),
        _("Everything about the chosen payment again, twice, in any order. Nothing may change."),
        _both(act="resend_notifications"),
    ),
    Scenario(
        "dashboard_refund",
        "after",
        _("The merchant refunds at PayPal"),
        _("The money is given back on PayPal’s own site, not in the shop."),
        {"paypal": {"act": "dashboard_refund"}},
        ("amount",),
    ),
    Scenario(
        "reversal",
        "after",
        _("The money is taken back"),
        _("PayPal or the buyer’s bank takes the money away from the merchant."),
        {"paypal": {"act": "reversal"}},
        ("amount",),
    ),
    Scenario(
        "dispute",
        "after",
        _("The buyer complains at PayPal"),
        _("PayPal holds the money until the dispute is resolved."),
        {"paypal": {"act": "dispute"}},
        ("reason",),
    ),
    Scenario(
        "resolved",
        "after",
        _("A dispute is resolved"),
        _("PayPal decides who gets the money."),
        {"paypal": {"act": "resolve_dispute"}},
        ("winner",),
    ),
    Scenario(
        "decided",
        "after",
        _("An open payment is decided now"),
        _("For a payment under review, or one of which nobody knows the outcome."),
        _both(act="decide"),
        ("outcome",),
    ),
    Scenario(
        "refund_refused",
        "after",
        _("A refund is refused"),
        _("The gateway does not give the money back when the shop asks for it."),
        {
            "paypal": {"on": "refund", "fault": "decline"},
            "unionpay": {"on": "refund", "fault": "code", "code": "39"},
        },
    ),
    Scenario(
        "refund_open",
        "after",
        _("A refund takes its time"),
        _("The gateway accepts the refund, and says later what became of it."),
        {"paypal": {"on": "refund", "fault": "pending"}, "unionpay": {"on": "refund", "fault": "unknown"}},
        ("minutes", "refund_then"),
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


# What only programs order, or order elsewhere than the scenarios do.
_OTHER: dict[str, str | Promise] = {
    "html": _("A page comes instead of an answer"),
    "late": _("The work is done, the answer comes late"),
    "empty": _("The work is done, the answer is empty"),
    "unauthorized": _("The gateway no longer knows the shop"),
    "code": _("The gateway says no"),
    "late_code": _("The bank says no after the payment was accepted"),
    "decline": _("The gateway says no"),
    "tamper": _("The gateway tells untruths"),
    "unknown": _("The gateway says later what became of it"),
    "forged": _("A forged message"),
    "decide_refund": _("An open refund is decided now"),
    "escalate_dispute": _("PayPal looks into a dispute"),
    "review": _("PayPal looks at a payment again"),
    "reverse_approval": _("PayPal undoes an approval"),
}


def title_of(gateway: str, order: Mapping[str, Any]) -> str | Promise:
    """In a merchant's words what has been ordered, also by a program."""
    name = str(order.get("fault") or order.get("act") or "")
    return _matching(gateway, order) or _OTHER.get(name) or name


def _matching(gateway: str, order: Mapping[str, Any]) -> str | Promise | None:
    for scenario in SCENARIOS:
        ordered = scenario.orders.get(gateway, {})
        names = [name for name in ("act", "fault", "on") if name in ordered]
        if names and all(order.get(name) == ordered[name] for name in names):
            return scenario.title
    return None
