"""The buyer corrects the e-mail address or the delivery details: soon after paying, before anything left.

The history says that it happened, never what was typed.
"""

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings

from checkout import order_access
from checkout.models import EmailCorrection, Order, OrderEvent
from checkout.shipping.fulfilment import left_to_ship
from checkout.shipping.rates import zone_of
from checkout.signals import email_corrected
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction
from shop.typed_values.email_addresses import identity

Fact = OrderEvent.Fact
SET_BY_STAFF = "e-mail address changed by staff"
MAX_CORRECTIONS = 5  # per order: each sends mails


class TooLate(Exception):
    """The time is over, something has been shipped, or it was corrected often enough."""


class OtherZone(Exception):
    """Another delivery zone would have another fee."""


class CorrectedMeanwhile(Exception):
    """The address is not as it was read: somebody else has corrected it, which must not be undone unseen."""


@dataclass(frozen=True)
class Correction:
    """The new values. Without a region only the e-mail address changes."""

    email: str = field(repr=False)
    recipient: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    phone_extension: str = field(default="", repr=False)
    region: str = ""
    address: dict[str, str] = field(default_factory=dict, repr=False)
    delivery_note: str = field(default="", repr=False)


def correctable_until(order: Order) -> dt.datetime | None:
    """The moment until which the buyer may correct; None if it is too late.

    Or if staff doubt the mailbox, or have set another: one browser must not undo what they decided.
    """
    if not order.is_paid or order.is_refunded or order.paid_at is None or order.shipments.exists():
        return None
    if order.erased_at or order.mailbox_doubted_at or order.events.filter(note=SET_BY_STAFF).exists():
        return None
    until = order.paid_at + dt.timedelta(minutes=settings.CORRECTION_MINUTES)
    corrected = order.events.filter(fact__in=[Fact.EMAIL_CORRECTED, Fact.ADDRESS_CORRECTED])
    return until if clock.now() < until and corrected.count() < MAX_CORRECTIONS else None


@retry_transaction
def correct(order_id: int, correction: Correction) -> Order:
    """Apply what differs and publish the mails about it. Raises TooLate and OtherZone."""
    order = Order.objects.lock(order_id)
    if correctable_until(order) is None:
        raise TooLate(order.number)
    if order.needs_shipping and correction.region:
        _correct_address(order, correction)
    if identity(correction.email) != identity(order.email):
        _correct_email(order, correction.email)
    return order


@retry_transaction
def correct_for(
    order_id: int, correction: Correction, *, actor: str, seen: tuple[str, str] | None = None
) -> Order:
    """Apply what differs on behalf of staff; the customer hears of it.

    ``seen``: the stamp of the address, and the e-mail address, as they were read. Raises TooLate, OtherZone
    and CorrectedMeanwhile.

    The delivery details can be corrected while something is left to be sent, the e-mail address until the
    order is erased. That of an order with services is changed with its order key (``readdress``).
    """
    order = Order.objects.lock(order_id)
    if not order.is_paid or order.erased_at:
        raise TooLate(order.number)
    changes = _differs(order, correction) or identity(correction.email) != identity(order.email)
    if seen and changes and not (order.has_address_as_seen(seen[0]) and order.email == seen[1]):
        raise CorrectedMeanwhile(order.number)
    if order.needs_shipping and correction.region and left_to_ship(order):
        _correct_address(order, correction, actor=actor)
    elif _differs(order, correction):
        raise TooLate(order.number)
    if not order.has_services and identity(correction.email) != identity(order.email):
        _correct_email(order, correction.email, actor=actor)
    return order


def _correct_address(order: Order, correction: Correction, *, actor: str = "") -> None:
    if zone_of(correction.region) != zone_of(order.region):
        raise OtherZone(order.number)
    changed = _differs(order, correction)
    if not changed:
        return
    for name in changed:
        setattr(order, name, getattr(correction, name))
    order.save(update_fields=changed)
    if actor:
        order.log("delivery details corrected by staff", actor=actor, fact=Fact.STAFF_CORRECTED)
    else:
        order.log("delivery details corrected by the buyer", fact=Fact.ADDRESS_CORRECTED)
    outbox.publish(
        "mail.address_corrected", key=f"{order.number}:{address_version(order)}", order_id=order.pk
    )


def _differs(order: Order, correction: Correction) -> list[str]:
    """Names of the delivery details that the correction changes."""
    if not correction.region:
        return []
    names = ["recipient", "phone", "phone_extension", "region", "address", "delivery_note"]
    return [name for name in names if _stripped(getattr(correction, name)) != _stripped(getattr(order, name))]


def _stripped(value: str | dict[str, str]) -> str | dict[str, str]:
    """Without empty parts of the address, which older orders hold."""
    return {part: text for part, text in value.items() if text} if isinstance(value, dict) else value


def _correct_email(order: Order, email: str, *, actor: str = "") -> None:
    """Mail the old address, and the confirmation (with the order key, if any) to the new one."""
    correction = _set_email(order, email)
    if actor:
        order.log(SET_BY_STAFF, actor=actor)
    else:
        order.log("e-mail address corrected by the buyer", fact=Fact.EMAIL_CORRECTED)
    if not actor:
        email_corrected.send(sender=Order, order=order)
    key = f"{order.number}:{correction.pk}"
    outbox.publish("mail.order_confirmation", key=key, order_id=order.pk)


def readdress(order: Order, email: str, *, actor: str) -> None:
    """Change the e-mail address on behalf of staff, at any time; the old address gets a mail.

    Needs the order's lock.
    """
    _set_email(order, email)
    order.log(SET_BY_STAFF, actor=actor)


def _set_email(order: Order, email: str) -> EmailCorrection:
    """Give the order another mailbox. All changes pass here, and what the old one was given ends with it.

    Stamps alone would not do, as the address may change back.
    """
    correction = EmailCorrection.objects.create(order=order, old_email=order.email, at=clock.now())
    order.email, order.mailbox_doubted_at = email, None
    order.save(update_fields=["email", "mailbox_doubted_at"])
    order_access.leave_mailbox(order)
    outbox.publish("mail.email_corrected", key=str(correction.pk), correction_id=correction.pk)
    return correction


def address_version(order: Order) -> int:
    """The number of corrections of the delivery details: tells whether a label is the latest."""
    return order.events.filter(fact__in=[Fact.ADDRESS_CORRECTED, Fact.STAFF_CORRECTED]).count()
