"""What gateways sent and say: notifications, disputes, certificates; and sums per gateway and currency."""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from checkout.models import Order
from payments.gateways import unionpay
from payments.gateways.paypal.codes import concern_of
from payments.models import Dispute, GatewayEvent, LedgerEntry, Payment, Refund
from payments.webhooks import reception
from shop import clock
from shop.l10n.money import formatted
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, Repair, check

from . import repairs
from .captures import CAPTURE, LATE, cents, page_of

FORGERIES = 20  # an hour of them is worth a look
STRANGERS = dt.timedelta(hours=1, minutes=5)
LATELY = dt.timedelta(days=30)
Kind = LedgerEntry.Kind
NAMES = {"paypal": "PayPal", "unionpay": "UnionPay"}


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {
        "sums": sums,
        "events": events,
        "forgeries": forgeries,
        "refusals": refusals,
        "disputes": disputes,
        "certificates": certificates,
    }


# --- notifications ---


def events() -> Check:
    """An event about something we do not know is kept trying for an hour; that alone is no fault."""
    left = GatewayEvent.objects.filter(processed_at=None, received_at__lt=clock.now() - LATE)
    left = left.exclude(is_verified=False).order_by("received_at")
    findings = (_event_finding(event) for event in left.defer("body", "headers")[: MAX_FINDINGS + 1])
    return check("events", _("Every notification of a gateway has been acted on."), findings)


def _event_finding(event: GatewayEvent) -> Finding:
    is_young = clock.now() - event.received_at < STRANGERS
    is_stranger = event.is_verified is True and event.payment_id is None and is_young
    text = (
        _("%(gateway)s: notification %(event)s (%(kind)s) is about nothing that we know.")
        if is_stranger
        else _("%(gateway)s: notification %(event)s (%(kind)s), received %(at)s, was not acted on.")
    )
    numbers = {
        "gateway": NAMES.get(event.gateway, event.gateway),
        "event": event.event_id,
        "kind": event.kind or "–",
        "at": date_format(localtime(event.received_at), "DATETIME_FORMAT"),
    }
    return Finding(
        str(event.pk),
        text % numbers,
        _("Act on it now. If many stand here, the gateway does not answer or the worker is down."),
        reverse("admin:payments_gatewayevent_change", args=[event.pk]),
        Repair(_("Act on it"), lambda _actor: repairs.process_event(event.pk)),
        is_red=not is_stranger,
    )


def forgeries() -> Check:
    count = reception.count_refused(since=clock.now() - dt.timedelta(hours=1))
    findings = []
    if count > FORGERIES:
        findings.append(
            Finding(
                "hour",
                _("%(count)s forged notifications came within an hour.") % {"count": count},
                _("They change nothing. If they go on, let the network keep their sender out."),
                reverse("admin:payments_gatewayevent_changelist") + "?is_verified__exact=0",
                is_red=False,
            )
        )
    return check("forgeries", _("Nobody sends forged notifications in numbers."), findings)


# --- refusals ---


def refusals() -> Check:
    """Codes with which PayPal has declined lately and about which somebody should do something.

    Nobody waits for that: the buyers were told to pay in another way.
    """
    lately = Payment.objects.filter(
        method=Payment.Method.PAYPAL,
        status=Payment.Status.DECLINED,
        needs_attention=False,
        started_at__gte=clock.now() - LATELY,
    )
    rows = lately.exclude(problem="").order_by("problem").values("problem").annotate(count=Count("pk"))
    findings = [_refusal_finding(**row) for row in rows if concern_of(row["problem"])]
    return check("refusals", _("PayPal declines payments for none but the buyers' reasons."), findings)


def _refusal_finding(problem: str, count: int) -> Finding:
    text, advice = (
        (
            _("PayPal refused the shop with %(code)s. Payments: %(count)s. No money was taken."),
            _("Please look at the shop's PayPal account and its settings."),
        )
        if concern_of(problem) == "ours"
        else (
            _(
                "PayPal declined with %(code)s, which the shop does not know. Payments: %(count)s. "
                "No money was taken."
            ),
            _("Please ask PayPal what it means; the buyers were told to pay in another way."),
        )
    )
    url = reverse("admin:payments_payment_changelist") + f"?problem={problem}"
    return Finding(problem, text % {"count": count, "code": problem}, advice, url, is_red=False)


# --- disputes ---


def disputes() -> Check:
    complaints = Dispute.objects.filter(is_open=True).select_related("payment__order")
    open_one = Dispute.objects.filter(payment__order=OuterRef("pk"), is_open=True)
    orders = Order.objects.annotate(has_dispute=Exists(open_one)).exclude(is_disputed=F("has_dispute"))
    findings = [
        *(_flag_finding(order) for order in orders.order_by("pk")[: MAX_FINDINGS + 1]),
        *(_dispute_finding(dispute) for dispute in complaints[: MAX_FINDINGS + 1]),
    ]
    return check("disputes", _("No buyer has complained at a gateway."), findings)


def _flag_finding(order: Any) -> Finding:
    text = (
        _("Order %(number)s has an open dispute, but is not marked as disputed.")
        if order.has_dispute
        else _("Order %(number)s is marked as disputed, but has no open dispute.")
    )
    return Finding(
        f"order-{order.pk}",
        text % {"number": order.number},
        _("Mark the order as its disputes say: shipping and reports follow that."),
        page_of(order),
        Repair(_("Mark it"), lambda actor: repairs.update_dispute_flag(order.pk, actor)),
    )


def _dispute_finding(dispute: Dispute) -> Finding:
    until = dispute.respond_until
    text = (
        _("Order %(number)s: dispute %(dispute)s (%(reason)s), answer until %(until)s.")
        if until
        else _("Order %(number)s: dispute %(dispute)s (%(reason)s).")
    )
    numbers = {
        "number": dispute.payment.order.number,
        "dispute": dispute.reference,
        "reason": dispute.reason,
        "until": date_format(localtime(until), "DATETIME_FORMAT") if until else "",
    }
    return Finding(
        str(dispute.pk),
        text % numbers,
        _("Please answer in PayPal's Resolution Centre. Until it is closed, ship nothing of this order."),
        page_of(dispute.payment),
        is_red=False,
    )


# --- UnionPay's certificates ---


def certificates() -> Check:
    advice = _("What to do about it stands in docs/operations.md.")
    findings = [
        *(Finding(f"problem-{text}", text, advice) for text in unionpay.problems()),
        *(Finding(f"warning-{text}", text, advice, is_red=False) for text in unionpay.warnings()),
    ]
    return check("certificates", _("UnionPay's certificates and settings are in force."), findings)


# --- sums ---


def sums() -> Check:
    """Per gateway and currency; what went back must be what the refunds say."""
    booked: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    entries = LedgerEntry.objects.order_by("gateway", "currency").values("gateway", "currency", "kind")
    for row in entries.annotate(total=Sum(cents("amount"))):
        booked[row["gateway"], row["currency"]][row["kind"]] = row["total"]
    for row in _refund_sums():
        gateway = "paypal" if row["payment__method"] == Payment.Method.PAYPAL else "unionpay"
        booked[gateway, row["currency"] or ""][row["status"]] += row["total"]
    rows, findings = [], []
    for (gateway, currency), cells in booked.items():
        went_back = -cells[Kind.REFUND] - cells[Kind.REVERSAL]
        if went_back != cells[Refund.Status.DONE]:
            findings.append(_sum_finding(gateway, currency, went_back, cells[Refund.Status.DONE]))
        columns = [
            cells[Kind.CAPTURE],
            -cells[Kind.REFUND],
            -cells[Kind.REVERSAL],
            cells[Kind.CAPTURE] - went_back,
            cells[Refund.Status.CREATED],
        ]
        rows.append((NAMES.get(gateway, gateway), currency, *(_shown(cell, currency) for cell in columns)))
    return Check(
        "sums", _("The sums per gateway and currency add up."), tuple(findings), _headings(), tuple(rows)
    )


def _headings() -> tuple[str, ...]:
    return (
        _("Gateway"),
        _("Currency"),
        _("Taken"),
        _("Given back"),
        _("Taken back by the gateway"),
        _("Kept"),
        _("On its way back"),
    )


def _refund_sums() -> Any:
    """What the refunds say went or goes back, in the currency that was captured."""
    captured = LedgerEntry.objects.filter(payment=OuterRef("payment"), kind=CAPTURE).order_by("pk")
    rows = Refund.objects.filter(~Q(status=Refund.Status.FAILED)).order_by()
    rows = rows.annotate(currency=Subquery(captured.values("currency")[:1]))
    return rows.values("payment__method", "currency", "status").annotate(total=Sum(cents("amount")))


def _sum_finding(gateway: str, currency: str, booked: int, refunded: int) -> Finding:
    text = _(
        "%(gateway)s, %(currency)s: %(booked)s are booked as gone back, but the refunds add up to %(told)s."
    )
    numbers = {
        "gateway": NAMES.get(gateway, gateway),
        "currency": currency,
        "booked": _shown(booked, currency),
        "told": _shown(refunded, currency),
    }
    advice = _("The checks on refunds and bookings name the rows; repair those.")
    return Finding(f"{gateway}-{currency}", text % numbers, advice)


def _shown(amount: int, currency: str) -> str:
    return formatted(Decimal(amount) / 100, currency) if currency else str(Decimal(amount) / 100)
