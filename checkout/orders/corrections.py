"""The buyer corrects the e-mail address or the delivery details: soon after paying, before anything left.

The history says that it happened, never what was typed.
"""

import datetime as dt
from dataclasses import dataclass, field

from django.conf import settings

from checkout.models import EmailCorrection, Order, OrderEvent
from checkout.shipping.rates import zone_of
from shop import clock
from shop.background import outbox
from shop.database import retry_transaction

Fact = OrderEvent.Fact
MAX_CORRECTIONS = 5  # per order: each sends mails


class TooLate(Exception):
    """The time is over, something has been shipped, or it was corrected often enough."""


class OtherZone(Exception):
    """Another delivery zone would have another fee."""


@dataclass(frozen=True)
class Correction:
    """What the order is to say from now on. Without a region only the e-mail address changes."""

    email: str = field(repr=False)
    recipient: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    region: str = ""
    address: dict[str, str] = field(default_factory=dict, repr=False)
    delivery_note: str = field(default="", repr=False)


def correctable_until(order: Order) -> dt.datetime | None:
    """Until when the buyer may correct; None where it is too late."""
    if not order.is_paid or order.is_refunded or order.paid_at is None or order.shipments.exists():
        return None
    until = order.paid_at + dt.timedelta(minutes=settings.CORRECTION_MINUTES)
    corrected = order.events.filter(fact__in=[Fact.EMAIL_CORRECTED, Fact.ADDRESS_CORRECTED])
    return until if clock.now() < until and corrected.count() < MAX_CORRECTIONS else None


@retry_transaction
def correct(order_id: int, wanted: Correction) -> Order:
    """Write it down and tell the mailboxes. What is as it was changes nothing and tells nobody.

    Raises TooLate and OtherZone.
    """
    order = Order.objects.lock(order_id)
    if correctable_until(order) is None:
        raise TooLate(order.number)
    if order.needs_shipping and wanted.region:
        _correct_address(order, wanted)
    if wanted.email.casefold() != order.email.casefold():
        _correct_email(order, wanted.email)
    return order


def _correct_address(order: Order, wanted: Correction) -> None:
    if zone_of(wanted.region) != zone_of(order.region):
        raise OtherZone(order.number)
    names = ["recipient", "phone", "region", "address", "delivery_note"]
    changed = [name for name in names if _without_empty_parts(getattr(order, name)) != _without_empty_parts(getattr(wanted, name))]
    if not changed:
        return
    for name in changed:
        setattr(order, name, getattr(wanted, name))
    order.save(update_fields=changed)
    order.log("delivery details corrected by the buyer", fact=Fact.ADDRESS_CORRECTED)
    outbox.publish(
        "mail.address_corrected", key=f"{order.number}:{address_version(order)}", order_id=order.pk
    )


def _without_empty_parts(value: str | dict[str, str]) -> str | dict[str, str]:
    """Without the parts that say nothing: older orders keep them."""
    return {part: text for part, text in value.items() if text} if isinstance(value, dict) else value


def _correct_email(order: Order, email: str) -> None:
    """The old mailbox is told; the new one gets the confirmation, and with it the order key."""
    correction = _change_email(order, email)
    order.log("e-mail address corrected by the buyer", fact=Fact.EMAIL_CORRECTED)
    key = f"{order.number}:{correction.pk}"
    outbox.publish("mail.order_confirmation", key=key, order_id=order.pk)


def readdress(order: Order, email: str, *, actor: str) -> None:
    """Staff give the order to another mailbox, at any time; the old one is told. The caller locks it."""
    _change_email(order, email)
    order.log("e-mail address changed by staff", actor=actor)


def _change_email(order: Order, email: str) -> EmailCorrection:
    correction = EmailCorrection.objects.create(order=order, old_email=order.email, at=clock.now())
    order.email = email
    order.save(update_fields=["email"])
    outbox.publish("mail.email_corrected", key=str(correction.pk), correction_id=correction.pk)
    return correction


def address_version(order: Order) -> int:
    """How often the delivery details were corrected: tells whether a label is the latest."""
    return order.events.filter(fact=Fact.ADDRESS_CORRECTED).count()
