"""E-mails: one subject, one text and one HTML template each, in the language of the receiver."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

import css_inline
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import override

from shop.web.context_processors import shop_details

from .database import assert_no_transaction


def send(name: str, *, to: list[str], context: dict[str, Any], language: str, message_key: str) -> None:
    """Send ``templates/emails/<name>.*``. A repeat with the same ``message_key`` has the same Message-ID.

    Nothing is sent to an address that was erased.
    Raises what the mail backend raises; the outbox then tries again.
    """
    to = [address for address in to if address]
    if not to:
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
    message.send()


def message_id(message_key: str) -> str:
    """The Message-ID, made from the key, so that a rare second copy can be recognised."""
    host = urlsplit(settings.SITE_URL).hostname
    return f"<{hashlib.sha256(message_key.encode()).hexdigest()[:32]}@{host}>"
