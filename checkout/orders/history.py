"""An order's progress and history, in words for its customer.

Derived from statuses, parcels, reports and the ledger; the notes in the order's history are for staff and are
not read here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from checkout.models import Order, OrderEvent, Shipment
from checkout.shipping.fulfilment import left_to_ship
from checkout.signals import Moment, Section, Track, has_money_on_its_way

Status = Order.Status


@dataclass(frozen=True)
class OrderProgress:
    """The state of the whole order in words (two if it is partly refunded), and that of each track."""

    states: tuple[str, ...]
    tracks: tuple[Track, ...]


def progress_of(order: Order, sections: Iterable[Section]) -> OrderProgress:
    """The order's progress, with the tracks of its parcels and of the sections."""
    tracks = [track for section in sections if (track := section.track)]
    parcels = parcel_track(order)
    tracks = [parcels, *tracks] if parcels else tracks
    if not order.is_paid:
        is_paying = order.status == Status.PENDING and has_money_on_its_way(order)
        state = _("Payment in progress") if is_paying else str(order.get_status_display())
        return OrderProgress((state,), ())
    if order.is_refunded:
        return OrderProgress((order.shown_status,), tuple(tracks))
    states = [_paid_state(order, tracks)]
    if order.refunded_total:
        states.append(order.shown_status)
    return OrderProgress(tuple(states), tuple(tracks))


def _paid_state(order: Order, tracks: list[Track]) -> str:
    if order.is_held and not all(track.is_done for track in tracks):
        return _("On hold")
    if not tracks:
        return str(order.get_status_display())
    if len(tracks) == 1 and order.needs_shipping:
        return tracks[0].state
    return _("Completed") if all(track.is_done for track in tracks) else _("Processing")


def parcel_track(order: Order) -> Track | None:
    """The track of the goods. None where nothing is sent, or nothing is paid for yet."""
    if not order.is_paid or not order.needs_shipping:
        return None
    left, has_parcels = bool(left_to_ship(order)), bool(order.shipments.all())
    if left and order.is_held:
        state = _("On hold")
    elif left:
        state = _("Partly shipped") if has_parcels else _("Processing")
    else:
        state = _("Shipped") if has_parcels else _("Refunded")
    return Track(_("Parcels"), state, is_done=not left)


def history_of(order: Order, sections: Iterable[Section], *, reveal: bool) -> list[Moment]:
    """Moments, oldest first. ``reveal``: also what the buyer requested and corrected."""
    moments = [Moment(order.placed_at, _("You placed the order."))]
    if order.payment_started_at:
        moments.append(Moment(order.payment_started_at, _("You started to pay.")))
    events = (event for event in order.events.all() if reveal or event.fact not in OrderEvent.BY_BUYER)
    moments += [Moment(event.at, text) for event in events if (text := _event_text(event, order))]
    moments += [Moment(parcel.shipped_at, _parcel_text(parcel)) for parcel in order.shipments.all()]
    moments += [moment for section in sections for moment in section.moments]
    return sorted(moments, key=lambda moment: moment.at)


def _event_text(event: OrderEvent, order: Order) -> str:
    """The entry in words; empty if it is of no interest to the customer."""
    if event.fact:
        return str(OrderEvent.Fact(event.fact).label)
    match event.old_status, event.new_status:
        case _, Status.UNDER_REVIEW:
            return _("The payment service is checking your payment.")
        case Status.UNDER_REVIEW, Status.PENDING:
            return _("The payment came to nothing. You may pay again.")
        case _, Status.PAID:
            return _("Your payment was received.")
        case _, Status.EXPIRED:
            return _("The time to pay ran out.")
        case _, Status.CANCELLED if order.is_superseded:
            return _("A newer order of yours replaced this one.")
        case _, Status.CANCELLED if order.is_given_up:
            return _("You cancelled the order.")
        case _, Status.CANCELLED:
            return _("The order was cancelled.")
    return ""


def _parcel_text(parcel: Shipment) -> str:
    things = ", ".join(f"{item.line.name} × {item.quantity}" for item in parcel.items.all())
    return _("A parcel was sent (%(carrier)s): %(things)s") % {
        "carrier": parcel.get_carrier_display(),
        "things": things,
    }
