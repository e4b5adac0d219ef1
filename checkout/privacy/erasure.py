"""Erasure of the personal data of an order: on its client's request, or when its time is over.

The books stay: number, days, what was bought at which price, what was paid and given back, and the country.
One transaction erases everything in the database; files follow once it is committed, and a file that outlives
a crash just then is found by ``uploads.forget_orphans``.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from checkout.intake import uploads
from checkout.models import (
    CancellationRequest,
    Draft,
    Intake,
    Order,
    OrderEvent,
    PrivacyRequest,
    Redemption,
    ShipmentCorrection,
    Upload,
)
from checkout.orders.mailed_link import InvalidLink
from checkout.shipping.fulfilment import left_to_ship
from checkout.signals import open_matters, order_erased
from shop import clock
from shop.background import outbox
from shop.crypto import unopened
from shop.devstack.failpoints import failpoint

from . import requests as privacy_requests

State = CancellationRequest.State


def obstacles(order: Order) -> list[str]:
    """The reasons why the order cannot be erased yet, in sentences for its client."""
    responses: list[tuple[Any, Any]] = open_matters.send(sender=Order, order=order)
    return _unsettled(order) + [sentence for _receiver, sentences in responses for sentence in sentences]


def _unsettled(order: Order) -> list[str]:
    reasons = []
    if order.status == Order.Status.PENDING:
        reasons.append(_("The order waits for its payment. You may cancel it, or let its time run out."))
    if order.status == Order.Status.UNDER_REVIEW:
        reasons.append(_("The payment service is still checking the payment."))
    if order.is_disputed:
        reasons.append(_("The payment service still has to decide about your complaint."))
    if order.cancellations.filter(state=State.OPEN).exists():
        reasons.append(_("You have asked to cancel, and the merchant has not answered yet."))
    if order.is_paid and not order.is_refunded and left_to_ship(order):
        reasons.append(_("Goods of this order have not been sent yet, for which we need the address."))
    return reasons


@transaction.atomic
def confirm(request: PrivacyRequest) -> PrivacyRequest:
    """Note that the client has confirmed twice, and publish the erasure. May be repeated.

    Raises InvalidLink if the request was ended meanwhile.
    """
    order = Order.objects.lock(request.order_id)
    current = order.privacy_requests.select_for_update().filter(pk=request.pk).first()
    if current is None:
        raise InvalidLink
    if current.confirmed_at is None:
        current.confirmed_at, current.email = clock.now(), order.email
        current.save(update_fields=["confirmed_at", "email"])
        order.log("its client asks to erase what is personal", fact=OrderEvent.Fact.ERASURE_ASKED)
        outbox.publish("erasure.confirmed", key=str(current.pk), request_id=current.pk)
    return current


def confirmed_requests() -> list[int]:
    """Ids of requests that are confirmed and not carried out: something was in the way."""
    waiting = PrivacyRequest.objects.filter(confirmed_at__isnull=False, done_at=None)
    return list(waiting.values_list("pk", flat=True))


@transaction.atomic
def carry_out(request_id: int) -> bool:
    """Erase the order of the request and return True, or return False if something is in the way.

    The hourly job tries again. May be repeated.
    """
    request = PrivacyRequest.objects.filter(pk=request_id).first()
    if request is None:  # stopped, as the mailbox is in doubt, or another one's
        return False
    order = Order.objects.lock(request.order_id)
    request = order.privacy_requests.filter(pk=request_id).first()
    if request is None or request.confirmed_at is None or request.done_at:
        return False
    if privacy_requests.is_of_another_mailbox(request, order):
        request.delete()
        return False
    if obstacles(order):
        return False
    erase(order)
    failpoint("before_erasure_committed")
    now = clock.now()
    order.privacy_requests.filter(confirmed_at__isnull=False, done_at=None).update(done_at=now)
    outbox.publish("mail.order_erased", key=str(request.pk), request_id=request.pk)
    return True


@transaction.atomic
def erase(order: Order) -> None:
    """Erase everything personal in the order, here and in the apps above. Needs the order's lock."""
    if order.erased_at:
        return
    erase_address(order)
    order.email, order.erased_at = "", clock.now()
    order.submission_digest = ""
    order.is_given_up = order.is_given_up or order.paid_at is None  # money that comes in late goes back
    order.save(update_fields=["email", "erased_at", "submission_digest", "is_given_up"])
    order.cancellations.update(reason="", answer="")
    order.email_corrections.update(old_email="")
    Redemption.objects.filter(order=order).update(email="")
    order.shipments.update(tracking_number="")  # the carrier's page may name the receiver
    ShipmentCorrection.objects.filter(shipment__order=order).update(old_tracking_number="")
    erase_answers(order)
    _erase_draft(order)
    order_erased.send(sender=Order, order=order)
    order.log("what is personal was erased", fact=OrderEvent.Fact.ERASED)


def erase_address(order: Order) -> None:
    """Erase where a parcel went; the country stays for the books."""
    texts = ["recipient", "phone", "phone_extension", "delivery_note", "card_text"]
    for name in texts:
        setattr(order, name, "")
    order.address = {}
    order.save(update_fields=[*texts, "address"])


def erase_answers(order: Order) -> None:
    """Delete all answers, and the files that no other order holds."""
    intakes = unopened(Intake.objects.filter(line__order=order))
    for intake in intakes:
        files = list(intake.uploads.values_list("pk", flat=True))
        Upload.objects.filter(pk__in=files).update(draft=None)
        uploads.detach(intake, files)
    intakes.all().delete()


def _erase_draft(order: Order) -> None:
    """Erase what was typed before ordering, unless a newer order of the same cart is pending."""
    draft = Draft.objects.filter(orders=order.pk)
    if not Order.objects.unpaid().filter(draft__in=draft.values("pk")).exclude(pk=order.pk).exists():
        uploads.remove(Upload.objects.filter(draft__in=draft.values("pk")))
        draft.update(data={})
