"""Issuing order keys and opening orders with them."""

import datetime as dt
from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from catalog.models import Product
from checkout import services as checkout
from checkout.models import Order, OrderLine
from consulting import key_format
from consulting.access import is_open, order_is_open
from consulting.models import AccessLog, Case, OrderKey
from shop import clock, crypto
from shop.background import outbox
from shop.devstack.failpoints import failpoint
from shop.typed_values.email_addresses import identity


class NotOpened(Exception):
    """Unknown, replaced or revoked key, unpaid order, or the wrong e-mail. Never says which."""


class SealedKeyDamaged(Exception):
    """The sealed copy is not of the key that the row is for."""


@transaction.atomic
def issue_key(order: Order) -> OrderKey | None:
    """Give a paid order its key, and open a case per subject. Once: repeating it changes nothing.

    None for an order without consulting services. Part of the transaction that makes the order paid.
    """
    lines = list(order.lines.filter(kind=Product.Kind.SERVICE))
    if not lines:
        return None
    Order.objects.select_for_update().get(pk=order.pk)
    order_key = order.keys.first()
    if order_key:
        return order_key
    now = clock.now()
    Case.objects.bulk_create(
        Case(line=line, subject=subject, due_on=line.report_due_on or clock.today(), opened_at=now)
        for line in lines
        for subject in range(1, line.quantity + 1)
    )
    return new_key(order, now)


def reschedule(line: OrderLine, due_on: dt.date) -> None:
    """The report of this line is promised for another day: what is still to be written follows."""
    to_write = Case.objects.filter(line=line, state__in=Case.OPEN)
    to_write.update(due_on=due_on)
    to_write.exclude(waiting_since=None).update(waiting_since=clock.now())  # the new day counts from now


@transaction.atomic
def move_due_date(case: Case, day: dt.date, *, actor: str) -> None:
    """Promise the case's report for another day, by decision of a person; the client is told of each move.

    The order's line, which its pages print, follows the last of its cases. A report that is there already
    is told of no new day.
    """
    order = Order.objects.lock(case.order.pk)
    case = Case.objects.select_related("line__order").get(pk=case.pk)
    if case.due_on == day:
        return
    Case.objects.filter(pk=case.pk).update(due_on=day)
    if not case.is_open:
        return
    latest = Case.objects.filter(line=case.line).aggregate(latest=Max("due_on"))["latest"]
    checkout.move_report_day(case.line, latest, note=f"moved by {actor}")
    if order_is_open(order):
        move = outbox.next_key("report.moved", str(case.pk))
        outbox.publish("report.moved", key=move, case_id=case.pk, move=move)


@sensitive_variables()
def new_key(order: Order, now: dt.datetime) -> OrderKey:
    """A key of the order's own. The caller holds the order's lock and has ended the key before."""
    canonical, pepper = key_format.make(), key_format.newest_pepper()
    return OrderKey.objects.create(
        order=order,
        lookup=key_format.lookup(canonical, pepper),
        pepper_id=key_format.pepper_id(pepper),
        sealed=crypto.seal(f"{order.pk}|{canonical}"),
        last_group=key_format.groups(canonical)[-1],
        issued_at=now,
    )


@sensitive_variables()
def read_key(order_key: OrderKey) -> str:
    """The key itself, canonical, from its sealed copy: to mail it or to open a report, never to be kept."""
    order_id, _, canonical = crypto.open_sealed(bytes(order_key.sealed)).partition("|")
    if order_id != str(order_key.order_id):
        raise SealedKeyDamaged(str(order_key.pk))
    return canonical


@sensitive_variables()
def _find_key(typed: str) -> tuple[int, int, str] | None:
    """Ids of the key that opens an order and of the order, and its e-mail address.

    Raises key_format.TypingError.

    A key whose time is over is left out by the database, and little is read of any other: so the time that
    a refusal takes tells nothing.
    """
    candidates = key_format.lookups(key_format.parse(typed))
    opening = OrderKey.objects.opening().filter(lookup__in=candidates).order_by()
    return opening.values_list("pk", "order_id", "order__email").first()


def lock_active_key(key_id: int, order_id: int) -> OrderKey:
    """The key, which nobody ends before the end of the transaction. Raises NotOpened.

    It is the order that is locked: whoever ends a key holds that lock, and an entry in the access log needs
    the order's row as well.
    """
    Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    order_key = (
        OrderKey.objects.select_related("order").filter(pk=key_id, state=OrderKey.State.ACTIVE).first()
    )
    if order_key is None or not is_open(order_key):
        raise NotOpened
    return order_key


@sensitive_variables()
def unlock(typed: str, email: str, *, known_orders: Collection[int] = ()) -> OrderKey:
    """Open an order's reports to its client. Raises key_format.TypingError and NotOpened.

    The e-mail is not needed for ``known_orders``: this browser has named it before.
    """
    key_id, order_id, owner = _find_key(typed) or (0, 0, "")
    right_email = constant_time_compare(identity(email), identity(owner))
    if not key_id or not (right_email or order_id in known_orders):
        raise NotOpened
    order_key = _use(key_id, order_id)
    failpoint("after_unlock_logged")
    return order_key


@transaction.atomic
def _use(key_id: int, order_id: int) -> OrderKey:
    """The client has opened the order; its mailbox hears of the key's first use. Raises NotOpened."""
    order_key = lock_active_key(key_id, order_id)
    now = clock.now()
    is_first = order_key.first_used_at is None
    order_key.first_used_at = order_key.first_used_at or now
    order_key.use_count += 1
    order_key.save(update_fields=["first_used_at", "use_count"])
    AccessLog.objects.create(order=order_key.order, what=AccessLog.What.UNLOCKED, at=now)
    if is_first:
        outbox.publish("mail.key_first_used", key=str(order_key.pk), key_id=order_key.pk)
    return order_key


@transaction.atomic
@sensitive_variables("typed")
def open_with_key(consultant: User, typed: str) -> Order:
    """Open an order's cases to a consultant who was read the key by the client, who sees that it happened.

    Raises key_format.TypingError and NotOpened.
    """
    ids = _find_key(typed)
    if ids is None:
        raise NotOpened
    order_key = lock_active_key(*ids[:2])
    AccessLog.objects.create(
        order=order_key.order,
        what=AccessLog.What.UNLOCKED_BY_STAFF,
        who=consultant.get_username(),
        at=clock.now(),
    )
    return order_key.order
