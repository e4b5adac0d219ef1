"""Mails that there is a message about a case. They never hold its text."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from shop import mail, outbox

from .access import line_is_open
from .handlers import active_key, unlock_url
from .models import Message


@outbox.subscribe("message.written")
def tell_of_message(message_id: int) -> None:
    """Nothing is sent of what has been read already, or of a case that is closed."""
    message = Message.objects.select_related("case__line__order", "case__consultant").get(pk=message_id)
    if message.seen_at or not line_is_open(message.case.line):
        return
    if message.is_from_client:
        _tell_consultant(message)
    elif active_key(message.case.order):
        _tell_client(message)


def _tell_consultant(message: Message) -> None:
    """Nobody has the case yet, or has no mailbox: then all consultants are told."""
    case = message.case
    own = case.consultant.email if case.consultant and case.consultant.is_active else ""
    with override(settings.LANGUAGE_CODE):
        url = settings.SITE_URL + reverse("consulting:case_messages", args=[case.pk])
    mail.send(
        "message_to_consultant",
        to=[own] if own else settings.CONSULTANT_EMAILS,
        context={"case": case, "order": case.order, "case_url": url},
        language=settings.LANGUAGE_CODE,
        message_key=f"message.written:{message.pk}",
    )


def _tell_client(message: Message) -> None:
    case, order = message.case, message.case.order
    with override(order.language):
        url = unlock_url()
    mail.send(
        "message_to_client",
        to=[order.email],
        context={"case": case, "order": order, "message": message, "unlock_url": url},
        language=order.language,
        message_key=f"message.written:{message.pk}",
    )
