"""The outbox's subscribers about money: refunds, mails, and PayPal's parcel tracking."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from payments.attempts import settlement
from payments.models import Dispute, Refund
from payments.refunds import services as refunds
from payments.refunds.summaries import note_of
from shop.background import outbox, peers
from shop.l10n.staff_notes import in_words
from shop.mail import send

from . import disputes, tracking


def _gateway_of(refund_id: int) -> str:
    return Refund.objects.select_related("payment").get(pk=refund_id).payment.gateway


# Money that is owed goes back within minutes after the gateway answers again.
@outbox.subscribe("payment.refund", peer=_gateway_of, delays=[10, 30, 60, 120, 300])
def execute_refund(refund_id: int) -> None:
    """Raises while the gateway has not answered; the outbox then tries again."""
    refunds.execute_refund(refund_id)
    refused = (
        Refund.objects.filter(pk=refund_id, status=Refund.Status.FAILED).select_related("payment").first()
    )
    if refused:
        settlement.ask(refused.payment)  # perhaps the money has gone back in another way


@outbox.subscribe("mail.payment_alarm", peer=peers.MAIL)
def send_alarm(note: str) -> None:
    """Mail the merchant about money that a person must look at."""
    with override(settings.LANGUAGE_CODE):
        told = in_words(note)
    send(
        "payment_alarm",
        to=settings.MERCHANT_EMAILS,
        context={"note": told, "admin_url": settings.SITE_URL + reverse("admin:payments_payment_changelist")},
        language=settings.LANGUAGE_CODE,
        message_key=f"payment-alarm-{note}",
    )


@outbox.subscribe("mail.payment_refunded", peer=peers.MAIL)
def send_refund_mail(refund_id: int) -> None:
    refund = Refund.objects.select_related("payment__order").get(pk=refund_id)
    if refund.origin == Refund.Origin.REVERSAL:  # it looked like a refund when the mail was written down
        return
    order = refund.payment.order
    with override(order.language):
        send(
            "payment_refunded",
            to=[order.email],
            concerns=order.number,
            context={
                "order": order,
                "refund": refund,
                "note": note_of(refund),
                "order_url": settings.SITE_URL + order.get_absolute_url(),
            },
            language=order.language,
            message_key=f"payment-refunded-{refund.pk}",
        )


@outbox.subscribe("mail.payment_dispute", peer=peers.MAIL)
def send_dispute(dispute_id: int, moment: str) -> None:
    """Mail the merchant about a complaint that has changed, as it stands now."""
    dispute = Dispute.objects.select_related("payment__order").get(pk=dispute_id)
    order = dispute.payment.order
    with override(settings.LANGUAGE_CODE):
        reason, outcome = disputes.in_words(dispute)
        path = reverse("admin:checkout_order_change", args=[order.pk])
        send(
            "payment_dispute",
            to=settings.MERCHANT_EMAILS,
            context={
                "dispute": dispute,
                "order": order,
                "reason": reason,
                "outcome": outcome,
                "admin_url": settings.SITE_URL + path,
            },
            language=settings.LANGUAGE_CODE,
            message_key=f"payment-dispute-{dispute.pk}-{moment}",
        )


@outbox.subscribe("parcel.shipped", peer=peers.PAYPAL)
@outbox.subscribe("parcel.corrected", peer=peers.PAYPAL)
def track_parcel(shipment_id: int) -> None:
    """A message of its own: whatever PayPal says, the customer's mail goes out once."""
    tracking.send_tracking(shipment_id)
