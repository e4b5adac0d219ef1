"""Mails about a copy or an erasure that was asked for."""

from django.utils.translation import override

from checkout.models import PrivacyRequest
from checkout.orders import unpaid_mails
from shop.background import outbox, peers
from shop.mail import last_mail, send

from . import erasure
from .requests import LINK


@outbox.subscribe("mail.privacy_link", peer=peers.MAIL)
def send_link(request_id: int) -> None:
    """The link that confirms the request; its lifetime begins when the mail leaves."""
    request = PrivacyRequest.objects.select_related("order").filter(pk=request_id).first()
    if request is None or request.order.erased_at or request.order.mailbox_doubted_at:
        return
    order = request.order
    hours = int(LINK.lifetime.total_seconds() // 3600)
    with unpaid_mails.may_go(f"privacy {request.kind}", order) as may_go:
        if not may_go:
            return
        send(
            "privacy_link",
            to=[order.email],
            concerns=order.number,
            context={
                "order": order,
                "request": request,
                "link": LINK.url(request.pk, to=order.email, language=order.language),
                "hours": hours,
            },
            language=order.language,
            message_key=f"privacy-link-{request.pk}",
        )


@outbox.subscribe("erasure.confirmed", peer=peers.LOCAL)
def begin_erasure(request_id: int) -> None:
    """Erase now, unless something is in the way: then the hourly job tries again."""
    erasure.carry_out(request_id)


@outbox.subscribe("mail.order_erased", peer=peers.MAIL)
def send_order_erased(request_id: int) -> None:
    """The last mail to the client's address, which is erased from the request afterwards."""
    request = PrivacyRequest.objects.select_related("order").get(pk=request_id)
    if not request.email:  # sent before
        return
    with override(request.order.language), last_mail(since=request.done_at or request.asked_at):
        send(
            "order_erased",
            to=[request.email],
            context={"order": request.order},
            language=request.order.language,
            message_key=f"order-erased-{request.pk}",
        )
    request.order.privacy_requests.update(email="")
