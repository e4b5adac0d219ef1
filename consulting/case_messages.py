"""The conversation of a client and the consultant about one case.

While the consultant waits for an answer that was marked as needed, the working days stand still: with the
answer the promised day moves by those that went by.
"""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from catalog import lead_times
from catalog.models import Absence
from checkout import services as checkout
from checkout.models import Order
from shop import clock
from shop.background import outbox

from .access import is_assigned, line_is_open
from .models import Case, Message

logger = logging.getLogger(__name__)

MAX_LENGTH = 4000
SECOND_CLICK = dt.timedelta(hours=1)


class Closed(Exception):
    """What the case is about is not paid for (any more)."""


@dataclass(frozen=True)
class Entry:
    """A message as a page shows it; ``text`` is None where it does not open."""

    message: Message
    name: str
    text: str | None = field(repr=False)


@sensitive_variables()
def entries(case: Case) -> Iterator[Entry]:
    """The conversation, oldest first."""
    messages = list(case.messages.all())
    names = names_of({message.author for message in messages})
    for message in messages:
        yield Entry(
            message, names.get(message.author) or (message.author and _("Your consultant")), _text_of(message)
        )


@sensitive_variables("text")
def _text_of(message: Message) -> str | None:
    try:
        text = message.text
    except (InvalidToken, ValueError):
        logger.error("Message %s does not open", message.pk)
        return None
    return text


def names_of(authors: set[str]) -> dict[str, str]:
    """User name -> the name a client reads, if there is one: nobody reads what somebody signs in with."""
    users = User.objects.filter(username__in=authors - {""})
    return {user.username: user.get_full_name() for user in users}


def note_seen(case: Case, *, by_client: bool) -> None:
    """What the other side wrote has been shown."""
    unread = case.messages.filter(seen_at=None)
    unread = unread.exclude(author="") if by_client else unread.filter(author="")
    unread.update(seen_at=clock.now())


@transaction.atomic
@sensitive_variables("text")
def write_to_client(case: Case, *, author: User, text: str, needs_answer: bool = False) -> Message:
    """The consultant writes. With ``needs_answer`` the work waits, if there is any left.

    Raises Closed, and PermissionDenied for somebody who is not the case's consultant by now.
    """
    case = _locked(case)
    if case.order.erased_at is None and not is_assigned(author, case):
        raise PermissionDenied(str(case))
    needs_answer = needs_answer and case.is_open
    message, is_new = _write(case, author=author.get_username(), text=text, needs_answer=needs_answer)
    if is_new and needs_answer and case.waiting_since is None:
        case.waiting_since = message.at
        case.save(update_fields=["waiting_since"])
    return message


@transaction.atomic
@sensitive_variables("text")
def write_to_consultant(case: Case, *, text: str) -> Message:
    """The client writes, which answers whatever the work waits for. Raises Closed."""
    case = _locked(case)
    message, is_new = _write(case, author="", text=text)
    if is_new and case.waiting_since:
        message.moved_to = _go_on(case, "answer of the client")
        message.save(update_fields=["moved_to"])
    return message


@transaction.atomic
def stop_waiting(case: Case) -> dt.date | None:
    """The consultant can go on without the answer. Returns the new promised day, if there is one."""
    case = _locked(case)
    return _go_on(case, "answer not needed any more") if case.waiting_since else None


def _locked(case: Case) -> Case:
    """Order first, as everywhere."""
    Order.objects.lock(case.order.pk)
    return Case.objects.select_for_update(of=("self",)).with_order().get(pk=case.pk)


@sensitive_variables("text", "message", "lately")
def _write(case: Case, *, author: str, text: str, needs_answer: bool = False) -> tuple[Message, bool]:
    """The message, and whether it is new: the same again within the hour is a second click."""
    if not line_is_open(case.line):
        raise Closed(str(case))
    now = clock.now()
    lately = case.messages.filter(at__gt=now - SECOND_CLICK).last()
    if lately and (lately.author, lately.needs_answer, _text_of(lately)) == (author, needs_answer, text):
        return lately, False
    message = Message(case=case, author=author, at=now, needs_answer=needs_answer)
    message.text = text
    message.save()
    outbox.publish("message.written", key=str(message.pk), message_id=message.pk)
    return message, True


def _go_on(case: Case, why: str) -> dt.date | None:
    """The working days are counted again. None where no day was promised, or it stays the same."""
    since, case.waiting_since = case.waiting_since, None
    old_day = case.due_on
    if since and case.is_open and not case.waits_for_details:
        product = case.line.variant.product
        absences = list(Absence.objects.all())
        case.due_on = lead_times.day_after_wait(product, old_day, since=since, absences=absences)
    case.save(update_fields=["waiting_since", "due_on"])
    if case.due_on == old_day:
        return None
    latest = Case.objects.filter(line=case.line).aggregate(latest=Max("due_on"))["latest"]
    checkout.move_report_day(case.line, latest, note=why)
    return case.due_on
