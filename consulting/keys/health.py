"""Whether each paid order with consulting services has its one key, and no other order has one."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog.models import Product
from checkout.models import Order, OrderLine
from consulting.models import OrderKey
from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage
from shop.monitoring.audit import MAX_FINDINGS, Check, Checks, Finding, NotRepaired, Repair, check

from . import lifecycle
from . import services as keys
from . import throttle as key_throttle

ACTIVE = OrderKey.State.ACTIVE


def checks(sender: object, **_kwargs: Any) -> Checks:
    return {"keys": _keys, "key-guessing": _guessing}


def _keys() -> Check:
    title = _("Each paid order with consulting services has exactly one order key that opens its reports.")
    return check("keys", title, map(_finding, _wrong()[: MAX_FINDINGS + 1]))


def _guessing() -> Check:
    """Alarms of the last day."""
    alarms = OutboxMessage.objects.filter(
        topic=key_throttle.ALARM, created_at__gte=clock.now() - dt.timedelta(days=1)
    )
    text = _("More than %(count)s wrong order keys a minute at %(hour)s h.")
    advice = _("A key cannot be guessed, and none is locked. Please see which networks they come from.")
    findings = [
        Finding(
            str(alarm.pk),
            text % {"count": key_throttle.MANY, "hour": alarm.payload["hour"]},
            advice,
            reverse("admin:shop_outboxmessage_change", args=[alarm.pk]),
            is_red=False,
        )
        for alarm in alarms.order_by("pk")[: MAX_FINDINGS + 1]
    ]
    return check("key-guessing", _("Nobody tries order keys in great numbers."), findings)


def _wrong() -> "QuerySet[Any]":
    services_of = OrderLine.objects.filter(order=OuterRef("pk"), kind=Product.Kind.SERVICE)
    orders = Order.objects.annotate(
        needs_key=Exists(services_of),
        issued=Count("keys"),
        active=Count("keys", filter=Q(keys__state=ACTIVE)),
        revoked=Count("keys", filter=Q(keys__state=OrderKey.State.REVOKED)),
    )
    is_paid = Q(status=Order.Status.PAID)
    lacks_key = is_paid & Q(needs_key=True, erased_at=None) & ~Q(active=1)
    too_early = Q(issued__gt=0) & (Q(paid_at=None) | Q(needs_key=False))
    return orders.filter(lacks_key | too_early).order_by("pk")


def _finding(order: Any) -> Finding:
    repair = None
    if order.paid_at is None or not order.needs_key:
        text = _("Order %(number)s has an order key, but nothing was paid that it could open.")
        advice = _("The key opens nothing. Please find out how it came to be.")
    elif order.issued:
        text = _("Order %(number)s is paid, but none of its order keys is active.")
        if order.revoked:
            text = _("The order key of order %(number)s was revoked, and no new one was issued.")
        advice = _("Its customer cannot open the reports until you issue a new order key.")
        repair = Repair(
            _("Issue a new order key"),
            lambda actor: _reissue(order.pk, actor),
            permission="consulting.replace_orderkey",
        )
    else:
        text = _("Order %(number)s is paid, but has no order key.")
        advice = _("Issue the order key; the customer receives the confirmation e-mail again, with the key.")
        repair = Repair(_("Issue the order key"), lambda _actor: _issue(order.pk))
    url = reverse("admin:checkout_order_change", args=[order.pk])
    is_red = not (order.issued and order.revoked and order.paid_at)  # a person has decided that
    return Finding(str(order.pk), text % {"number": order.number}, advice, url, repair, is_red)


def _reissue(order_id: int, actor: str) -> None:
    try:
        lifecycle.reissue(order_id, actor=actor)
    except lifecycle.KeyChanged:
        return
    except lifecycle.NothingToOpen:
        raise NotRepaired(_("The order is not paid any more.")) from None


@transaction.atomic
def _issue(order_id: int) -> None:
    order = Order.objects.select_for_update().get(pk=order_id)
    if not order.is_paid:
        raise NotRepaired(_("The order is not paid any more."))
    if order.keys.exists():
        return
    keys.issue_key(order)
    order.log("order key issued, which was missing")
    outbox.publish("mail.order_confirmation", key=f"{order.number}:key", order_id=order.pk)
