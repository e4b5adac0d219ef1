"""What the other side does by itself, on request: ``POST /acts``, or a button on ``/rehearsal/``.

``{"gateway", "act", "reference", …}`` → 200 with what came of it; 400 ``{"error": "<member>: <reason>"}``
where that makes no sense. ``reference`` names the payment as for a fault: our reference, order number, the
gateway's own number.

PayPal
    ``dashboard_refund`` {amount: null = all that is left, status: "COMPLETED"|"PENDING"}
    ``decide_refund`` {outcome: "completed"|"failed"}
    ``reversal`` {amount: null = all that is left, sign: "all"|"note"|"reason"|"webhook"}
    ``dispute`` {reason}, ``escalate_dispute``, ``resolve_dispute`` {outcome}: see ``paypal.acts``
    ``review`` {reason}, ``decide`` {outcome: "completed"|"denied"}
    ``reverse_approval``
UnionPay
    ``decide`` {outcome: "completed"|"failed"}: ends the fault ``unknown`` of this payment now
both
    ``forged_notification`` {variant: "signature"}: someone tells the shop that the payment was made, as one
        of ``catalogue.FORGERIES``; ``status`` is what the shop answered
    ``resend_notifications``: every notification about it again, twice, shuffled; reference "" = about all;
        ``statuses`` are what the shop answered
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from payments.sandbox import store
from payments.sandbox.faults.kinds import (
    FORGERIES,
    OPERATIONS,
    REASONS,
    Invalid,
    NotNow,
    amount,
    one_of,
    optional,
    read,
    text,
)
from payments.sandbox.faults.registry import NotPossible
from payments.sandbox.paypal import dashboard as paypal
from payments.sandbox.paypal import redelivery as paypal_redelivery
from payments.sandbox.paypal.errors import Refusal
from payments.sandbox.unionpay import faults as unionpay
from payments.sandbox.unionpay import redelivery as unionpay_redelivery

Parameters = dict[str, tuple[Callable[[Any], Any], Any]]
_NEEDED = object()


def _decimal(value: Any) -> Decimal:
    return Decimal(amount(value))


_AMOUNT: Parameters = {"amount": (optional(_decimal), None)}
_PAYPAL: dict[str, tuple[Callable[..., Any], Parameters]] = {
    "dashboard_refund": (
        paypal.dashboard_refund,
        {**_AMOUNT, "status": (one_of("COMPLETED", "PENDING"), "COMPLETED")},
    ),
    "decide_refund": (paypal.decide_refund, {"outcome": (one_of("completed", "failed"), _NEEDED)}),
    "reversal": (paypal.reversal, {**_AMOUNT, "sign": (one_of("all", *sorted(paypal.SIGNS)), "all")}),
    "dispute": (
        paypal.dispute,
        {"reason": (one_of(*sorted(paypal.REASONS)), "MERCHANDISE_OR_SERVICE_NOT_RECEIVED")},
    ),
    "escalate_dispute": (paypal.escalate_dispute, {}),
    "resolve_dispute": (paypal.resolve_dispute, {"outcome": (one_of(*paypal.OUTCOMES), _NEEDED)}),
    "review": (paypal.review, {"reason": (one_of(*REASONS), REASONS[0])}),
    "decide": (paypal.decide, {"outcome": (one_of("completed", "denied"), _NEEDED)}),
    "reverse_approval": (paypal.reverse_approval, {}),
    "forged_notification": (
        paypal_redelivery.send_forgery,
        {"variant": (one_of(*FORGERIES["paypal"]), "signature")},
    ),
    "resend_notifications": (paypal_redelivery.resend, {}),
}
_UNIONPAY: dict[str, tuple[Callable[..., Any], Parameters]] = {
    "decide": (unionpay.settle_suspended, {"outcome": (one_of("completed", "failed"), _NEEDED)}),
    "forged_notification": (
        unionpay_redelivery.send_forgery,
        {"variant": (one_of(*FORGERIES["unionpay"]), "signature")},
    ),
    "resend_notifications": (unionpay_redelivery.resend, {}),
}
ACTS = {"paypal": _PAYPAL, "unionpay": _UNIONPAY}


def perform(order: Any) -> dict[str, Any]:
    """Do it now. Raises Invalid, also when the payment is in no state for it."""
    if not isinstance(order, dict):
        raise Invalid("body", _("An object is expected."))
    members = dict(order)
    gateway = read("gateway", one_of(*OPERATIONS), members.pop("gateway", None))
    name = read("act", one_of(*ACTS[gateway]), members.pop("act", None))
    reference = read("reference", text(r"[A-Za-z0-9\-]{0,64}"), members.pop("reference", ""))
    act, parameters = ACTS[gateway][name]
    values = {}
    for member, (reader, default) in parameters.items():
        if member not in members and default is not _NEEDED:
            values[member] = default
        else:
            values[member] = read(member, reader, members.pop(member, ""))
    if members:
        raise Invalid(sorted(members)[0], _("This act knows no such parameter."))
    result = _done(act, _found(gateway, name, reference), values)
    store.log(gateway, "act", act=name, references=[reference] if reference else [], status="done")
    return result


def _found(gateway: str, name: str, reference: str) -> str:
    """The gateways' own books go by our reference; an order number or PayPal's own id leads there."""
    if gateway != "paypal" or name in {"forged_notification", "resend_notifications"}:
        return reference
    return paypal_redelivery.reference_of(reference) or reference


def _done(act: Callable[..., Any], reference: str, values: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(act(reference, **values))
    except (NotPossible, paypal.NotPossible) as problem:
        raise NotNow("reference", str(problem)) from None
    except Refusal as refusal:
        raise NotNow("reference", refusal.issue) from None
