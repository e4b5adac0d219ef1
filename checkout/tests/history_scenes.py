"""An order with goods and reports, and what its customer reads of it."""

from checkout.models import Order
from checkout.orders.history import history_of, progress_of
from checkout.shipping import fulfilment
from checkout.signals import collect_sections

from .scenes import make_cart, make_goods, make_service, pay, place

STAFF_NOTE = "canary-staff-note-4471"


def mixed_order(**changes) -> Order:
    return pay(place(make_cart((make_goods(), 2), (make_service(), 2)), **changes))


def progress(order):
    order = Order.objects.get(pk=order.pk)
    shown = progress_of(order, collect_sections(order, reveal=True))
    return shown.states, {track.name: track.state for track in shown.tracks}


def texts(order):
    order = Order.objects.get(pk=order.pk)
    return [moment.text for moment in history_of(order, collect_sections(order, reveal=True), reveal=True)]


def ship(order, quantity):
    line = order.lines.get(kind="goods")
    return fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1234", quantities={line.pk: quantity}, actor="boss"
    )
