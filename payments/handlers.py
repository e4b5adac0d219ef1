"""What the outbox does about money."""

from django.conf import settings
from django.utils.translation import override

from shop import outbox
from shop.mail import send

from . import refunds
from .models import Refund


@outbox.subscribe("payment.refund")
def refund(refund_id: int) -> None:
    """Raises while the gateway has not answered; the outbox then tries again, later and later."""
    refunds.execute_refund(refund_id)


@outbox.subscribe("mail.payment_refunded")
def send_refund_mail(refund_id: int) -> None:
    found = Refund.objects.select_related("payment__order").get(pk=refund_id)
    order = found.payment.order
    with override(order.language):
        send(
            "payment_refunded",
            to=[order.email],
            context={
                "order": order,
                "refund": found,
                "order_url": settings.SITE_URL + order.get_absolute_url(),
            },
            language=order.language,
            message_key=f"payment-refunded-{found.pk}",
        )
