"""E-mails: one subject, one text and one HTML template each, in the language of the receiver."""

import datetime as dt
import hashlib
import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils.translation import override

from shop.web.context_processors import shop_details

from . import clock
from .background import outbox, peers
from .background.lines import line
from .background.outbox import Away, GiveUp, Passing, Unheard
from .database import assert_no_transaction

logger = logging.getLogger(__name__)

LONGEST = dt.timedelta(hours=48)  # that a mail is tried while the server cannot take it
MAILBOX_UNKNOWN = "mailbox unknown"
GREETING_SECONDS = 10  # until a mail server has greeted us and let us in; the rest: EMAIL_TIMEOUT


def send(
    name: str,
    *,
    to: list[str],
    context: dict[str, Any],
    language: str,
    message_key: str,
    concerns: str = "",
) -> None:
    """Send ``templates/emails/<name>.*``. A repeat with the same ``message_key`` has the same Message-ID.

    Nothing is sent to an address that was erased. ``concerns`` is the number of the order that a mail to a
    customer is about: whoever cares for that order hears of it when the mail cannot be delivered. A mail to
    several people becomes a message of the outbox for each of them: one whose address is refused is neither
    lost unseen, nor do the others get the mail again.

    Raises GiveUp where the mail server refuses for good (5xx: RFC 5321, 4.2.1), Passing where it does not
    take this mail now, Unheard where it did not answer, and Away where it cannot be reached: the outbox then
    tries again, up to ``LONGEST``.
    """
    to = list(dict.fromkeys(address for address in to if address))
    if chosen := outbox.receiver():
        to = [address for address in to if _receiver(name, address) == chosen]
        message_key += f"/{chosen}"
    if not to:
        return
    if len(to) > 1:
        outbox.split(_receiver(name, address) for address in to)
        return
    with override(language):
        shop = shop_details()
        full = {**context, "shop": shop, "language_code": language}
        subject = " ".join(render_to_string(f"emails/{name}.subject.txt", full).split())
        text = render_to_string(f"emails/{name}.txt", full).strip() + "\n"
        text += render_to_string("emails/_foot.txt", full)
        html = css_inline.inline(render_to_string(f"emails/{name}.html", full))
        message = EmailMultiAlternatives(
            subject=f"{shop['name']}: {subject}",
            body=text,
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=to,
            reply_to=[settings.CUSTOMER_SERVICE_EMAIL],
            headers={"Message-ID": message_id(message_key), "Content-Language": language},
        )
    message.attach_alternative(html, "text/html")
    assert_no_transaction()
    with line(peers.MAIL), _opened(concerns) as connection:
        message.connection = connection
        try:
            message.send()
        except OSError as error:  # smtplib's errors are of this kind, and so are those of the connection
            if code := _code_for_good(error):
                raise GiveUp(f"{MAILBOX_UNKNOWN} ({code})", concerns=concerns) from error
            kind = Passing if _is_about_one(error) else Unheard
            raise kind(type(error).__name__, longest=LONGEST, concerns=concerns) from error


def _receiver(name: str, address: str) -> str:
    """Names one receiver of a mail without naming the address."""
    return hashlib.sha256(f"{name} {address}".encode()).hexdigest()[:16]


@contextmanager
def _opened(concerns: str) -> Iterator[BaseEmailBackend]:
    """A connection that has been let in. Raises Away: what fails before that is no fault of any mail."""
    connection = get_connection(timeout=GREETING_SECONDS)
    try:
        connection.open()
    except OSError as error:
        raise Away(type(error).__name__, longest=LONGEST, concerns=concerns) from error
    if smtp := getattr(connection, "connection", None):
        smtp.timeout = settings.EMAIL_TIMEOUT  # of the whole conversation: ``shop.background.smtp``
    try:
        yield connection
    finally:
        with suppress(OSError):  # the mail was taken, or not: how they part says nothing of that
            connection.close()


@contextmanager
def last_mail(since: dt.datetime) -> Iterator[None]:
    """For a mail to a mailbox that is to be forgotten: where it cannot be delivered, nobody has to act.

    It is tried as long as any other, from ``since`` on. Often such a mailbox does not exist.
    """
    try:
        yield
    except GiveUp:
        logger.warning("A last mail was refused for good; its mailbox is forgotten")
    except Passing:
        if clock.now() - since <= LONGEST:
            raise
        logger.warning("A last mail could not be delivered in time; its mailbox is forgotten")


def _code_for_good(error: OSError) -> int:
    """The reply code where every recipient, or the mail itself, is refused for good; else 0.

    That the sender is refused, or the sign-in, is no fault of the mailbox: those pass once they are mended.
    """
    codes = _codes_about_one(error)
    return codes[0] if codes and all(500 <= code < 600 for code in codes) else 0


def _is_about_one(error: OSError) -> bool:
    """Whether it says something of this mail only: then no other mail has to wait for it.

    421 says that the server goes away (RFC 5321, 3.8), whatever it was asked.
    """
    if isinstance(error, smtplib.SMTPNotSupportedError):  # an address that this server cannot write
        return True
    codes = _codes_about_one(error)
    return bool(codes) and 421 not in codes


def _codes_about_one(error: OSError) -> list[int]:
    """The codes of replies to the recipients, or to the mail itself. Those of before are about no mail."""
    if isinstance(error, smtplib.SMTPDataError):
        return [error.smtp_code]
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return [code for code, _answer in error.recipients.values()]
    return []


def message_id(message_key: str) -> str:
    """The Message-ID, made from the key, so that a rare second copy can be recognised."""
    host = urlsplit(settings.SITE_URL).hostname
    return f"<{hashlib.sha256(message_key.encode()).hexdigest()[:32]}@{host}>"
