"""Mails about a copy or an erasure that was asked for."""

from django.utils.translation import override

from checkout.models import PrivacyRequest
from shop.background import outbox
from shop.mail import send

from . import erasure
from . import requests as privacy_requests


@outbox.subscribe("mail.privacy_link")
def send_link(request_id: int) -> None:
    """Its time begins when it leaves."""
    request = PrivacyRequest.objects.select_related("order").filter(pk=request_id).first()
    if request is None or request.order.erased_at:
        return
    order = request.order
    hours = int(privacy_requests.LINK_LIFETIME.total_seconds() // 3600)
    send(
        "privacy_link",
        to=[order.email],
        context={
            "order": order,
            "request": request,
            "link": privacy_requests.link_of(request),
            "hours": hours,
        },
        language=order.language,
        message_key=f"privacy-link-{request.pk}",
    )


@outbox.subscribe("erasure.confirmed")
def begin_erasure(request_id: int) -> None:
    """At once where nothing is in the way; else the hourly job looks again."""
    erasure.carry_out(request_id)


@outbox.subscribe("mail.order_erased")
def send_order_erased(request_id: int) -> None:
    """The last mail to that address, which is then forgotten too."""
    request = PrivacyRequest.objects.select_related("order").get(pk=request_id)
    if not request.email:  # told already
        return
    with override(request.order.language):
        send(
            "order_erased",
            to=[request.email],
            context={"order": request.order},
            language=request.order.language,
            message_key=f"order-erased-{request.pk}",
        )
    request.order.privacy_requests.update(email="")
