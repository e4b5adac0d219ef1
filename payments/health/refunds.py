"""Whether each refund is one movement at the gateway and in the books, noted on its order, and told."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Least
from django.urls import reverse
from django.utils.translation import gettext as _

from checkout.models import Order, OrderLine
from payments.models import LedgerEntry, Refund, RefundLine
from payments.refunds.reconciliation import GATEWAYS_LISTING_REFUNDS
from shop import clock
from shop.l10n.money import formatted
from shop.models import OutboxMessage
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, Repair, check

from . import repairs
from .captures import CAPTURE, cents, cents_of, page_of

PATIENCE = dt.timedelta(minutes=10)
Status = Refund.Status
Origin = Refund.Origin


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"refunds": refunds, "bookings": bookings, "totals": totals, "refund-mails": mails}


# --- each refund is one booking ---


def refunds() -> Check:
    booked = LedgerEntry.objects.filter(
        payment=OuterRef("payment"), reference=OuterRef("reference"), amount=-OuterRef("amount")
    )
    is_late = Q(status=Status.CREATED, started_at__lt=clock.now() - PATIENCE)
    is_refused = Q(status=Status.FAILED, payment__needs_attention=True)
    is_unbooked = Q(status=Status.DONE) & ~Exists(booked.exclude(kind=CAPTURE))
    wrong = Refund.objects.filter(is_late | is_refused | is_unbooked).select_related("payment__order")
    findings = (_refund_finding(refund) for refund in wrong.order_by("pk")[: MAX_FINDINGS + 1])
    return check("refunds", _("Each refund is done, and is one booking."), findings)


def _refund_finding(refund: Refund) -> Finding:
    payment = refund.payment
    text, advice, repair = _refund_words(refund)
    numbers = {
        "amount": formatted(refund.amount, payment.currency),
        "payment": payment.reference,
        "number": payment.order.number,
        "problem": refund.problem,
    }
    return Finding(str(refund.pk), text % numbers, advice, page_of(refund), repair)


def _refund_words(refund: Refund) -> tuple[str, str, Repair]:
    match refund.status:
        case Status.CREATED:
            return (
                _("The refund of %(amount)s of order %(number)s (%(payment)s) is not done yet."),
                _("Ask the gateway again now."),
                Repair(_("Ask again"), lambda _actor: repairs.execute(refund)),
            )
        case Status.FAILED:
            return (
                _("The gateway refused the refund of %(amount)s of order %(number)s: %(problem)s"),
                _("Try it again, or give the money back in another way and close the alarm."),
                Repair(_("Try again"), lambda actor: repairs.retry(refund, actor), "payments.add_refund"),
            )
    text = _("The refund of %(amount)s of order %(number)s (%(payment)s) is done but not booked.")
    if refund.payment.gateway in GATEWAYS_LISTING_REFUNDS:
        advice, label = _("Ask the gateway whether the money went back, and book it."), _("Ask the gateway")
    else:
        advice = _("Please look it up in the portal of the gateway. If it is there, book it.")
        label = _("Book it")
    return text, advice, Repair(label, lambda _actor: repairs.book_refund(refund))


def bookings() -> Check:
    """Money that left us without a refund's row to say why."""
    row = Refund.objects.filter(
        payment=OuterRef("payment"),
        reference=OuterRef("reference"),
        amount=-OuterRef("amount"),
        status=Status.DONE,
    )
    unexplained = (
        LedgerEntry.objects.exclude(kind=CAPTURE).filter(~Exists(row)).select_related("payment__order")
    )
    findings = (_booking_finding(entry) for entry in unexplained.order_by("pk")[: MAX_FINDINGS + 1])
    return check("bookings", _("All money that went back belongs to one refund."), findings)


def _booking_finding(entry: LedgerEntry) -> Finding:
    text = _("%(amount)s of payment %(payment)s (order %(number)s) went back, but no refund says why.")
    numbers = {
        "amount": formatted(-entry.amount, entry.currency),
        "payment": entry.payment.reference,
        "number": entry.payment.order.number,
    }
    return Finding(
        str(entry.pk),
        text % numbers,
        _("Write the refund down as one made at the gateway."),
        page_of(entry.payment),
        Repair(_("Write it down"), lambda actor: repairs.create_refund_of(entry, actor)),
    )


# --- orders and lines say what went back ---


def totals() -> Check:
    findings = [
        *(_order_finding(order) for order in _wrong_orders()[: MAX_FINDINGS + 1]),
        *(_line_finding(line) for line in _wrong_lines()[: MAX_FINDINGS + 1]),
    ]
    return check("totals", _("Orders and their lines say what went back of them."), findings)


def _wrong_orders() -> "QuerySet[Any]":
    gone = LedgerEntry.objects.filter(payment__pays_order=True).exclude(kind=CAPTURE)
    touched = Q(refunded_total__gt=0) | Q(pk__in=gone.values("payment__order"))
    back = cents_of(gone.filter(payment__order=OuterRef("pk")), per="payment__order")
    orders = Order.objects.filter(touched).annotate(
        noted=cents("refunded_total"), back=Least(cents("total"), Value(0) - back)
    )
    return orders.exclude(noted=F("back")).order_by("pk")


def _wrong_lines() -> "QuerySet[Any]":
    parts = RefundLine.objects.filter(refund__status=Status.DONE, refund__payment__pays_order=True)
    touched = Q(refunded_total__gt=0) | Q(pk__in=parts.values("line"))
    lines = OrderLine.objects.filter(touched).annotate(
        noted=cents("refunded_total"), back=cents_of(parts.filter(line=OuterRef("pk")), per="line")
    )
    return lines.exclude(noted=F("back")).select_related("order").order_by("pk")


def _order_finding(order: Any) -> Finding:
    text = _("Order %(number)s: %(noted)s are noted as refunded, but %(back)s went back.")
    return _total_finding(f"order-{order.pk}", text, order, order, {"number": order.number})


def _line_finding(line: Any) -> Finding:
    text = _("Order %(number)s, %(sku)s: %(noted)s are noted as refunded, but %(back)s went back.")
    numbers = {"number": line.order.number, "sku": line.sku}
    return _total_finding(f"line-{line.pk}", text, line, line.order, numbers)


def _total_finding(key: str, text: str, row: Any, order: Order, numbers: dict[str, str]) -> Finding:
    amounts = {
        name: formatted(Decimal(getattr(row, name)) / 100, order.currency) for name in ("noted", "back")
    }
    return Finding(
        key,
        text % {**numbers, **amounts},
        _("Set the figures of the order to what the bookings say; reports open or close accordingly."),
        page_of(order),
        Repair(_("Set them"), lambda actor: repairs.set_refunded_totals(order, actor)),
    )


# --- mails ---


def mails() -> Check:
    key = Concat(Value("mail.payment_refunded:"), OuterRef("key"))
    published = OutboxMessage.objects.filter(key=key)
    unmailed = Refund.objects.filter(~Exists(published), status=Status.DONE).exclude(origin=Origin.REVERSAL)
    findings = (
        _mail_finding(refund) for refund in unmailed.select_related("payment__order")[: MAX_FINDINGS + 1]
    )
    return check("refund-mails", _("Each buyer hears of each refund."), findings)


def _mail_finding(refund: Refund) -> Finding:
    text = _("The mail about the refund of %(amount)s of order %(number)s was never written.")
    numbers = {
        "amount": formatted(refund.amount, refund.payment.currency),
        "number": refund.payment.order.number,
    }
    return Finding(
        str(refund.pk),
        text % numbers,
        _("Send the mail."),
        reverse("admin:payments_refund_change", args=[refund.pk]),
        Repair(_("Send the mail"), lambda _actor: repairs.send_refund_mail(refund)),
    )
