"""What becomes of an order key after it was issued: sent again, replaced, revoked, given to another mailbox.

Everything here holds the order's lock, and so do publishing, unlocking and reading
(``services.lock_active_key``): no report is wrapped for a key that is over at that moment, and none is opened
with it.
"""

import logging
import secrets

from django.conf import settings
from django.db import transaction

from checkout import order_access
from checkout.models import Order
from checkout.orders import corrections, lookup
from consulting import report_encryption
from consulting.access import order_is_open
from consulting.models import AccessLog, OrderKey, Report
from shop import clock
from shop.audit import subjects, trail
from shop.background import outbox

from . import services as keys

logger = logging.getLogger(__name__)

ACTIVE = OrderKey.State.ACTIVE
What = AccessLog.What


class KeyChanged(Exception):
    """The key is not the one any more that was to be replaced, revoked or sent: somebody was faster."""


class NeedsSecondPerson(Exception):
    """One person alone may not give an order to another mailbox."""


class NothingToOpen(Exception):
    """The order is not paid for, or not any more, or has no consulting services."""


# --- a new key ---


@transaction.atomic
def replace(order_key: OrderKey, *, actor: str = "") -> OrderKey:
    """Give the order another key and mail it: the old one ends at once, with all that it had opened.

    ``actor`` is empty for the client. Of several at once one does it; the others get KeyChanged. Raises
    NothingToOpen.
    """
    order = Order.objects.lock(order_key.order_id)
    current = _current(order_key)
    if not order_is_open(order):
        raise NothingToOpen(order.number)
    _end(current, OrderKey.State.SUPERSEDED)
    return _issue(order, actor)


@transaction.atomic
def reissue(order_id: int, *, actor: str) -> OrderKey:
    """A new key for an order whose key was revoked or got lost to us. Raises KeyChanged and NothingToOpen."""
    order = Order.objects.lock(order_id)
    if order.keys.filter(state=ACTIVE).exists():
        raise KeyChanged(order.number)
    if not order_is_open(order) or not order.keys.exists():
        raise NothingToOpen(order.number)
    return _issue(order, actor)


def follow_correction(order: Order) -> None:
    """The buyer has corrected the order's address: the key that the wrong mailbox was sent opens nothing.

    The confirmation that goes to the right one brings the new key, which the browser that placed the order
    shows as well. Also while the order is disputed, as the old key would open again afterwards; an order
    whose key was revoked gets none. Needs the order's lock.
    """
    current = order.keys.filter(state=ACTIVE).first()
    if current is None:
        return
    _end(current, OrderKey.State.SUPERSEDED)
    _wrap_reports(order, keys.new_key(order, clock.now()))
    _log(order, What.KEY_REPLACED, "")
    order.log("order key replaced, as its address was corrected")


def _issue(order: Order, actor: str) -> OrderKey:
    new = keys.new_key(order, clock.now())
    _wrap_reports(order, new)
    order_access.revoke_all(order)
    _log(order, What.KEY_REPLACED, actor)
    order.log("order key replaced" if actor else "order key replaced by the client", actor=actor)
    outbox.publish("mail.key_replaced", key=str(new.pk), key_id=new.pk)
    return new


def _wrap_reports(order: Order, order_key: OrderKey) -> None:
    """Every published report opens with this key and no other; the text itself stays as it is sealed."""
    canonical = keys.read_key(order_key)
    for report in Report.objects.readable().filter(case__line__order=order).order_by("pk"):
        try:
            report_encryption.admit_client(report, canonical)
        except report_encryption.Unreadable:  # it opens for nobody; that must not keep a leaked key alive
            logger.error("Report %s does not open from escrow", report.pk)
            report.client_wrap = b""
        report.save(update_fields=["client_wrap"])


# --- the end of a key ---


@transaction.atomic
def revoke(order_key: OrderKey, *, actor: str) -> None:
    """The key opens nothing from now on, nor does anything that it had opened. Raises KeyChanged."""
    order = Order.objects.lock(order_key.order_id)
    _end(_current(order_key), OrderKey.State.REVOKED)
    Report.objects.filter(case__line__order=order).update(client_wrap=b"")
    order_access.revoke_all(order)
    _log(order, What.KEY_REVOKED, actor)
    order.log("order key revoked", actor=actor)


def end_all(order: Order) -> None:
    """The order is erased: none of its keys opens or finds anything. Needs the order's lock."""
    for order_key in order.keys.all():
        _end(order_key, OrderKey.State.REVOKED)


def _current(order_key: OrderKey) -> OrderKey:
    """The key as it is now, if it is still the order's key. The caller holds the lock. Raises KeyChanged."""
    current = OrderKey.objects.filter(pk=order_key.pk, state=ACTIVE).first()
    if current is None:
        raise KeyChanged(str(order_key))
    return current


def _end(order_key: OrderKey, state: str) -> None:
    order_key.state = state
    order_key.lookup = secrets.token_bytes(32)  # finds nothing
    order_key.sealed = b""
    order_key.save(update_fields=["state", "lookup", "sealed"])


# --- the same key once more ---


@transaction.atomic
def resend(order_key: OrderKey, *, actor: str) -> None:
    """Mail the key to the order's address again. Raises KeyChanged and NothingToOpen.

    ``actor`` is empty for the client.
    """
    order = Order.objects.lock(order_key.order_id)
    _current(order_key)
    if not order_is_open(order):
        raise NothingToOpen(order.number)
    entry = _log(order, What.KEY_SENT, actor)
    order.log("order key sent again" if actor else "order key sent again, as its client asked", actor=actor)
    outbox.publish("mail.order_key", key=str(entry.pk), entry_id=entry.pk)


@transaction.atomic
def request_key(email: str, *, number: str, language: str) -> None:
    """Write down that somebody has lost a key; the worker sees whether there is anything to send."""
    search = lookup.save_search(email, number=number, language=language)
    outbox.publish("mail.lost_key", key=str(search.pk), search_id=search.pk)


# --- another mailbox ---


@transaction.atomic
def readdress(order_key: OrderKey, email: str, *, actor: str, is_approved: bool = False) -> OrderKey:
    """The order belongs to another mailbox from now on: it gets a new key, the old mailbox a notice.

    Raises KeyChanged, NothingToOpen, and NeedsSecondPerson unless a second one has approved it.
    """
    if settings.MAILBOX_FOUR_EYES and not is_approved:
        raise NeedsSecondPerson(str(order_key))
    order = Order.objects.lock(order_key.order_id)
    _current(order_key)
    if not order_is_open(order):
        raise NothingToOpen(order.number)
    corrections.readdress(order, email, actor=actor)
    _log(order, What.READDRESSED, actor)
    return replace(order_key, actor=actor)


def _log(order: Order, what: str, actor: str) -> AccessLog:
    if actor:
        deed = trail.Deed.MAILBOX if what == What.READDRESSED else trail.Deed.KEY
        subject = subjects.Subject("checkout.order", str(order.pk), order.number)
        trail.record(deed, subject, actor=actor, detail=what)
    return AccessLog.objects.create(order=order, what=what, who=actor, at=clock.now())
