"""Whether every mail and message that is due has gone out, and every fact has its mail."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from checkout.models import Order, Shipment
from checkout.orders.failed_mails import failed_mails
from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, Repair, check

LATE = dt.timedelta(minutes=5)
MANY_TRIES = 3


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"messages": late_messages, "mails": missing_mails}


def late_messages() -> Check:
    """Overdue outbox messages: mails, refunds, tracking numbers for PayPal."""
    now = clock.now()
    late = OutboxMessage.objects.filter(
        Q(due_at__lt=now - LATE)
        | (~Q(last_error="") & Q(attempts__gte=MANY_TRIES, created_at__lt=now - LATE)),
        delivered_at__isnull=True,
        given_up_at__isnull=True,
    )
    late |= failed_mails()
    findings = (_message_finding(message) for message in late.order_by("created_at")[: MAX_FINDINGS + 1])
    return check("messages", _("Every mail and message that is due has gone out."), findings)


def _message_finding(message: OutboxMessage) -> Finding:
    if message.given_up_at:
        return _given_up(message)
    if message.last_error:
        text = _("%(key)s: tried %(tries)s times, last error %(error)s, next try %(due)s.")
    else:
        text = _("%(key)s: due since %(due)s, and nobody has taken it.")
    due = date_format(localtime(message.due_at), "DATETIME_FORMAT")
    numbers = {"key": message.key, "tries": message.attempts, "error": message.last_error, "due": due}
    return Finding(
        str(message.pk),
        text % numbers,
        _("Try it again now. If nothing at all goes out, the worker or the mail server is down."),
        reverse("admin:shop_outboxmessage_change", args=[message.pk]),
        _deliver_now(message),
    )


def _given_up(message: OutboxMessage) -> Finding:
    """A mail that will never arrive: what it was about, and the page on which its address is put right."""
    order = Order.objects.filter(number=message.concerns).first()
    text = _("Order %(number)s: a mail (%(key)s) could not be delivered: %(error)s.")
    advice = _(
        "Ask the customer for another e-mail address, correct it on the order, and send the mail again."
    )
    if order is None:
        text = _("%(key)s could not be delivered: %(error)s.")
        advice = _("Check the shop's own addresses in the settings, then send it again.")
    values = {"number": message.concerns, "key": message.key, "error": message.last_error}
    page = "checkout_order_change" if order else "shop_outboxmessage_change"
    url = reverse(f"admin:{page}", args=[order.pk if order else message.pk])
    return Finding(str(message.pk), text % values, advice, url, _deliver_now(message))


def _deliver_now(message: OutboxMessage) -> Repair:
    messages = OutboxMessage.objects.filter(pk=message.pk)
    return Repair(_("Deliver now"), lambda _actor: outbox.try_again(messages))


def _lacks(topic: str, key: Any) -> Any:
    name = Concat(Value(f"{topic}:"), Cast(key, CharField()), output_field=CharField())
    return ~Exists(OutboxMessage.objects.filter(key=name))


def missing_mails() -> Check:
    """Paid orders and parcels without an outbox message."""
    orders = Order.objects.filter(status=Order.Status.PAID).annotate(
        lacks_confirmation=_lacks("mail.order_confirmation", OuterRef("number")),
        lacks_notice=_lacks("mail.new_order", OuterRef("number")),
    )
    orders = orders.filter(Q(lacks_confirmation=True) | Q(lacks_notice=True)).order_by("pk")
    parcels = Shipment.objects.filter(_lacks("mail.order_shipped", OuterRef("pk"))).select_related("order")
    findings = [
        *(_order_finding(order) for order in orders[: MAX_FINDINGS + 1]),
        *(_parcel_finding(parcel) for parcel in parcels.order_by("pk")[: MAX_FINDINGS + 1]),
    ]
    return check("mails", _("Every paid order and every parcel has its mails."), findings)


def _order_finding(order: Order) -> Finding:
    return Finding(
        f"order-{order.pk}",
        _("Order %(number)s is paid, but a mail about it was never written.") % {"number": order.number},
        _("Send what is missing: the confirmation to the customer, the notice to the shop."),
        reverse("admin:checkout_order_change", args=[order.pk]),
        Repair(_("Send the mails"), lambda _actor: _publish_paid(order)),
    )


@transaction.atomic
def _publish_paid(order: Order) -> None:
    outbox.publish("mail.order_confirmation", key=order.number, order_id=order.pk)
    outbox.publish("mail.new_order", key=order.number, order_id=order.pk)


def _parcel_finding(parcel: Shipment) -> Finding:
    text = _("A parcel of order %(number)s has left, but its mail was never written.")
    return Finding(
        f"parcel-{parcel.pk}",
        text % {"number": parcel.order.number},
        _("Send the shipping e-mail with the tracking information."),
        reverse("admin:checkout_order_change", args=[parcel.order_id]),
        Repair(_("Send the mail"), lambda _actor: _publish_shipped(parcel)),
    )


@transaction.atomic
def _publish_shipped(parcel: Shipment) -> None:
    outbox.publish("mail.order_shipped", key=str(parcel.pk), shipment_id=parcel.pk)
