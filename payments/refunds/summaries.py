"""What a customer is told about money that went back: on the order page and by e-mail."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from checkout.models import Order, OrderLine
from checkout.signals import Moment, Section
from payments.models import Payment, Refund, RefundLine
from shop.l10n.money import formatted


@dataclass(frozen=True)
class RefundNote:
    """One refund, in the customer's words."""

    refund: Refund
    payment: Payment
    currency: str
    rows: tuple[RefundLine, ...]  # what it was for, as far as it was said
    other: Decimal  # beyond lines and shipping fee

    @property
    def is_done(self) -> bool:
        return self.refund.status == Refund.Status.DONE

    @property
    def is_explained(self) -> bool:
        return bool(self.rows or self.refund.shipping)

    @property
    def is_reversal(self) -> bool:
        return self.refund.origin == Refund.Origin.REVERSAL

    @property
    def locked(self) -> list[OrderLine]:
        """Lines of this refund whose reports are closed by now."""
        return [row.line for row in self.rows if row.line.is_service and row.line.is_refunded]

    @property
    def unsent(self) -> list[OrderLine]:
        """Lines of this refund of which something will not be sent."""
        return [row.line for row in self.rows if row.line.ships and row.line.withdrawn_quantity]


def note_of(refund: Refund) -> RefundNote:
    rows = tuple(refund.lines.select_related("line").order_by("line__position"))
    other = refund.amount - refund.shipping - sum((row.amount for row in rows), start=Decimal(0))
    return RefundNote(refund, refund.payment, refund.payment.captured_currency, rows, other)


def notes_of(order: Order) -> list[RefundNote]:
    """What went back or is about to, oldest first. A refund that staff must look at was not promised yet."""
    owed = ~Q(status=Refund.Status.FAILED) | Q(origin=Refund.Origin.AUTOMATIC)
    rows = Refund.objects.filter(owed, payment__order=order).select_related("payment__order")
    return [note_of(refund) for refund in rows.order_by("started_at", "pk")]


def refunds_section(sender: type[Order], order: Order, **_kwargs: object) -> Section | None:
    """On the order page and in the confirmation mail, once there is something to tell."""
    notes = notes_of(order)
    if not notes:
        return None
    return Section(
        page_template="payments/_refunds_section.html",
        html_template="payments/_refunds_section.html",
        text_template="emails/_refunds_section.txt",
        context={"notes": notes},
        moments=tuple(moment for note in notes for moment in _moments(note)),
    )


def _moments(note: RefundNote) -> list[Moment]:
    """When the money was sent on its way, and when it had gone back."""
    amount = {"amount": formatted(note.refund.amount, note.currency)}
    begun = Moment(note.refund.started_at, _("A refund of %(amount)s was started.") % amount)
    if note.refund.done_at is None:
        return [begun]
    if note.is_reversal:
        return [Moment(note.refund.done_at, _("The payment service took back %(amount)s.") % amount)]
    return [begun, Moment(note.refund.done_at, _("%(amount)s went back to you.") % amount)]
