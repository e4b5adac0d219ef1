"""Whether each payment taken is one paid order or on its way back, and nothing about money stands still."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Round
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from checkout.models import Order
from payments.models import LedgerEntry, Payment, Refund
from shop import clock
from shop.l10n.money import formatted
from shop.l10n.staff_notes import in_words
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, Repair, check

from . import repairs

LATE = dt.timedelta(minutes=5)
EXPIRY_LATE = dt.timedelta(minutes=10)
CAPTURE = LedgerEntry.Kind.CAPTURE
Status = Payment.Status


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {
        "captures": captures,
        "orders": paid_orders,
        "attention": alarms,
        "attempts": standing_still,
        "expiry": past_hold,
    }


def cents(field: str) -> Cast:
    """An amount as a whole number: sums and comparisons in the database are then exact everywhere."""
    return Cast(Round(F(field) * 100), BigIntegerField())


def cents_of(rows: "QuerySet[Any]", *, per: str, amount: str = "amount") -> Coalesce:
    """The sum of the rows' amounts, per outer row."""
    total = rows.order_by().values(per).annotate(total=Sum(cents(amount))).values("total")
    return Coalesce(Subquery(total), 0)


def page_of(row: Payment | Order | Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


# --- each payment taken is one paid order ---


def captures() -> Check:
    findings = (_capture_finding(payment) for payment in _wrong_captures()[: MAX_FINDINGS + 1])
    return check("captures", _("Each payment taken pays one order, or goes back to its buyer."), findings)


def _wrong_captures() -> "QuerySet[Any]":
    """Payments with money, whose ``fault`` says what is wrong. A person's cases are another check's."""
    booked = LedgerEntry.objects.filter(payment=OuterRef("pk"))
    on_the_way = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.CREATED)
    fault = Case(
        When(captures=0, then=Value("unbooked")),
        When(captures__gt=1, then=Value("twice")),
        When(left__lt=0, then=Value("overdrawn")),
        When(~Q(status=Status.CAPTURED), then=Value("unused")),
        When(Q(pays_order=True) & ~Q(order__status=Order.Status.PAID), then=Value("unused")),
        When(Q(pays_order=True) & (Q(taken__lt=F("due")) | Q(foreign__gt=0)), then=Value("short")),
        When(pays_order=False, left__gt=F("returning"), then=Value("unused")),
        default=Value(""),
    )
    payments = Payment.objects.filter(Exists(booked) | Q(status=Status.CAPTURED), needs_attention=False)
    payments = payments.annotate(
        captures=Count("ledger", filter=Q(ledger__kind=CAPTURE)),
        foreign=Count("ledger", filter=~Q(ledger__currency=F("currency"))),
        taken=Coalesce(Sum(cents("ledger__amount"), filter=Q(ledger__kind=CAPTURE)), 0),
        left=Coalesce(Sum(cents("ledger__amount")), 0),
        due=cents("order__total"),
        returning=cents_of(on_the_way, per="payment"),
    )
    return payments.annotate(fault=fault).exclude(fault="").select_related("order").order_by("pk")


def _capture_finding(payment: Any) -> Finding:
    numbers = {
        "payment": payment.reference,
        "number": payment.order.number,
        "amount": formatted(Decimal(payment.left) / 100, payment.currency),
    }
    text, advice, repair = _capture_words(payment)
    return Finding(str(payment.pk), text % numbers, advice, page_of(payment), repair)


def _capture_words(payment: Any) -> tuple[str, str, Repair | None]:
    compare = _("Please compare the payment with the account at the gateway.")
    match payment.fault:
        case "unbooked":
            return (
                _("Payment %(payment)s of order %(number)s counts as captured, but its money is not booked."),
                _("Ask the gateway for the money and book it."),
                Repair(_("Ask the gateway"), lambda _actor: repairs.book_capture(payment)),
            )
        case "twice":
            return _("Payment %(payment)s of order %(number)s has money booked twice."), compare, None
        case "overdrawn":
            return (
                _("Of payment %(payment)s of order %(number)s more went back than was taken."),
                compare,
                None,
            )
        case "short":
            return _("Payment %(payment)s is less than order %(number)s costs."), compare, None
    return (
        _("%(amount)s of payment %(payment)s neither pays order %(number)s nor goes back."),
        _("Let the money pay the order; if that cannot be, it goes back to its buyer."),
        Repair(_("Settle it"), lambda actor: repairs.use_money(payment, actor)),
    )


def paid_orders() -> Check:
    payer = Payment.objects.filter(order=OuterRef("pk"), pays_order=True)
    wrong = Order.objects.filter(~Exists(payer), status=Order.Status.PAID).order_by("pk")
    findings = (_unpaid_finding(order) for order in wrong[: MAX_FINDINGS + 1])
    return check("orders", _("Each paid order is paid by exactly one payment."), findings)


def _unpaid_finding(order: Order) -> Finding:
    return Finding(
        str(order.pk),
        _("Order %(number)s counts as paid, but no payment pays it.") % {"number": order.number},
        _("Ask the gateways for its money. If they know of none, nothing of it may be shipped."),
        page_of(order),
        Repair(_("Ask the gateway"), lambda _actor: repairs.find_payer(order)),
    )


# --- nothing stands still ---


def alarms() -> Check:
    """Those with a refused refund are told by the check on refunds."""
    refused = Refund.objects.filter(payment=OuterRef("pk"), status=Refund.Status.FAILED)
    waiting = Payment.objects.filter(~Exists(refused), needs_attention=True).select_related("order")
    findings = (_alarm_finding(payment) for payment in waiting.order_by("pk")[: MAX_FINDINGS + 1])
    return check("attention", _("No payment waits for the decision of a person."), findings)


def _alarm_finding(payment: Payment) -> Finding:
    text = _("Payment %(payment)s of order %(number)s: %(problem)s")
    advice = _("Please look at the payment and decide there: accept it, give it back, or close the alarm.")
    numbers = {
        "payment": payment.reference,
        "number": payment.order.number,
        "problem": in_words(payment.problem),
    }
    url = reverse("admin:payments_payment_decide", args=[payment.pk])
    return Finding(str(payment.pk), text % numbers, advice, url)


def standing_still() -> Check:
    late = clock.now() - LATE
    is_forgotten = Q(status__in=Payment.LIVE) & (Q(next_check_at=None) | Q(claimed_until__lt=late))
    waiting = Payment.objects.filter(Q(next_check_at__lt=late) | is_forgotten, needs_attention=False)
    findings = (
        _late_finding(payment)
        for payment in waiting.select_related("order").order_by("pk")[: MAX_FINDINGS + 1]
    )
    return check("attempts", _("Every payment without a result is asked about in time."), findings)


def _late_finding(payment: Payment) -> Finding:
    text = _("Payment %(payment)s of order %(number)s (%(status)s) has not been asked about since %(since)s.")
    since = min(filter(None, [payment.next_check_at, payment.claimed_until]), default=payment.started_at)
    numbers = {
        "payment": payment.reference,
        "number": payment.order.number,
        "status": payment.get_status_display(),
        "since": date_format(localtime(since), "DATETIME_FORMAT"),
    }
    return Finding(
        str(payment.pk),
        text % numbers,
        _("Ask the gateway now. If many payments stand here, the worker or beat is down."),
        page_of(payment),
        Repair(_("Ask the gateway"), lambda _actor: repairs.ask(payment)),
    )


def past_hold() -> Check:
    waiting = Order.objects.unpaid().filter(hold_until__lt=clock.now() - EXPIRY_LATE).order_by("pk")
    findings = (_hold_finding(order) for order in waiting[: MAX_FINDINGS + 1])
    return check("expiry", _("No unpaid order keeps its goods longer than it may."), findings)


def _hold_finding(order: Order) -> Finding:
    text = _("Order %(number)s should have been paid by %(until)s and still waits.")
    until = date_format(localtime(order.hold_until), "DATETIME_FORMAT")
    return Finding(
        str(order.pk),
        text % {"number": order.number, "until": until},
        _("Ask the gateway; if nobody has paid, the order expires and its goods are on sale again."),
        page_of(order),
        Repair(_("Ask, then let it expire"), lambda _actor: repairs.expire(order)),
    )
