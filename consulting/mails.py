"""Mails about reports and messages. The worker looks again when it sends: the order may be closed by then."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from shop import mail
from shop.background import outbox, peers

from . import key_format
from .access import active_key, is_consultant, line_is_open
from .keys import services as keys
from .models import Case, Message, Report


def unlock_url() -> str:
    """The form, for a mail. No link ever holds a key."""
    return settings.SITE_URL + reverse("consulting:unlock")


@outbox.subscribe("report.published", peer=peers.MAIL)
@sensitive_variables()
def mail_report_ready(report_id: int) -> None:
    """Tell the client, with the key again. Nothing is sent for what they could not open now."""
    report = Report.objects.select_related("case__line__order").get(pk=report_id)
    case, order_key = report.case, active_key(report.case.order)
    is_readable = case.is_published and report.withdrawn_at is None and line_is_open(case.line)
    if order_key is None or not is_readable:
        return
    order = order_key.order  # read with the key: it goes to the address that it was made for
    with override(order.language):
        context: dict[str, Any] = {
            "order": order,
            "case": case,
            "report": report,
            "unlock_url": unlock_url(),
        }
        if not order.mailbox_doubted_at:
            context["key_groups"] = key_format.groups(keys.read_key(order_key))
    mail.send(
        "report_ready",
        to=[order.email],
        concerns=order.number,
        context=context,
        language=order.language,
        message_key=f"report.published:{report.pk}",
    )


@outbox.subscribe("report.withdrawn", peer=peers.MAIL)
def mail_report_withdrawn(report_id: int) -> None:
    """Tell the client, unless a new version is there by now. The reason stands behind the order key only."""
    report = Report.objects.select_related("case__line__order").get(pk=report_id)
    case, order = report.case, report.case.order
    if case.state != Case.State.WITHDRAWN or active_key(order) is None or not line_is_open(case.line):
        return
    with override(order.language):
        context = {"order": order, "case": case, "unlock_url": unlock_url()}
    mail.send(
        "report_withdrawn",
        to=[order.email],
        concerns=order.number,
        context=context,
        language=order.language,
        message_key=f"report.withdrawn:{report.pk}",
    )


@outbox.subscribe("report.moved", peer=peers.MAIL)
def tell_of_moved_report(case_id: int, move: str) -> None:
    """The day as it is now; nothing once the report is there, or the order is closed."""
    case = Case.objects.select_related("line__order").get(pk=case_id)
    if not case.is_open or not line_is_open(case.line):
        return
    order = case.order
    with override(order.language):
        url = settings.SITE_URL + order.get_absolute_url()
    mail.send(
        "report_date_moved",
        to=[order.email],
        concerns=order.number,
        context={"case": case, "order": order, "order_url": url},
        language=order.language,
        message_key=f"report.moved:{move}",
    )


@outbox.subscribe("message.written", peer=peers.MAIL)
def tell_of_message(message_id: int) -> None:
    """Nothing is sent of what has been read already, or of a case that is closed."""
    messages = Message.objects.select_related("case__line__order", "case__consultant")
    message = messages.filter(pk=message_id).first()
    if message is None:  # erased, or past its time
        return
    if message.seen_at or not line_is_open(message.case.line):
        return
    if message.is_from_client:
        _tell_consultant(message)
    elif active_key(message.case.order):
        _tell_client(message)


def _tell_consultant(message: Message) -> None:
    """Nobody has the case (any more), or has no mailbox: then all consultants are told."""
    case = message.case
    own = case.consultant.email if case.consultant and is_consultant(case.consultant) else ""
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
        concerns=order.number,
        context={"case": case, "order": order, "message": message, "unlock_url": url},
        language=order.language,
        message_key=f"message.written:{message.pk}",
    )
