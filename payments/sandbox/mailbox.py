"""Every mail the shop sends: taken by SMTP, kept, shown as pages and as JSON."""

import secrets
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from . import store

KIND = "mail"
SHOWN = 200
TOLD = ("to", "subject", "text", "html", "message_id", "received_at", "from", "id")

# A mail brings its own styles. It may do nothing else: no script, no form, no request to anyone.
POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src 'self' data:",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    ]
)


class Inbox:
    """What aiosmtpd calls with each message."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        receive(content.encode() if isinstance(content, str) else content, envelope.rcpt_tos)
        return "250 Message accepted"


def receive(content: bytes, recipients: list[str]) -> str:
    """Keep a message; returns its id. ``to`` is who really got it, whatever the header says."""
    message = message_from_bytes(content, policy=policy.default)
    mail_id = secrets.token_hex(8)
    mail = {
        "id": mail_id,
        "to": ", ".join(recipients),
        "from": str(message["From"] or ""),
        "subject": str(message["Subject"] or ""),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
        "message_id": str(message["Message-ID"] or "").strip(),
        "received_at": datetime.now(UTC).isoformat(),
        "headers": [[name, str(value)] for name, value in message.items()],
    }
    store.put(KIND, mail_id, mail)
    store.log("mailbox", "received", request_id=mail["message_id"], status=250)
    return mail_id


def keep(*, to: str, sender: str, subject: str, text: str) -> None:
    """Show something else that the buyer gets: a text message."""
    mail_id = secrets.token_hex(8)
    mail = {"id": mail_id, "to": to, "from": sender, "subject": subject, "text": text, "html": ""}
    received_at = datetime.now(UTC).isoformat()
    store.put(KIND, mail_id, mail | {"message_id": "", "received_at": received_at, "headers": []})


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        content = str(part.get_content())
    except (LookupError, UnicodeError):  # a character set nobody knows
        content = bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    return content.replace("\r\n", "\n")


def _mails(recipient: str = "") -> list[dict[str, Any]]:
    """Newest first."""
    address = recipient.strip().casefold()
    mails = store.every(KIND)[::-1]
    return [mail for mail in mails if not address or address in mail["to"].casefold().split(", ")]


@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    recipient = request.GET.get("to", "")
    mails = _mails(recipient)
    for mail in mails[:SHOWN]:
        mail["received"] = parse_datetime(mail["received_at"])
    return render(
        request, "sandbox/mails.html", {"mails": mails[:SHOWN], "count": len(mails), "recipient": recipient}
    )


@require_safe
def messages(request: HttpRequest) -> JsonResponse:
    mails = _mails(request.GET.get("to", ""))
    values = [{name: mail[name] for name in TOLD} for mail in mails]
    return JsonResponse(values, safe=False, json_dumps_params={"ensure_ascii": False})


@require_safe
def mail(request: HttpRequest, mail_id: str) -> HttpResponse:
    mail = _one(mail_id)
    return render(
        request, "sandbox/mail.html", {"mail": mail, "received": parse_datetime(mail["received_at"])}
    )


@require_safe
def html(request: HttpRequest, mail_id: str) -> HttpResponse:
    """The HTML part by itself, for the frame of the page above. Its links open in a new tab."""
    response = HttpResponse('<base target="_blank">' + _one(mail_id)["html"])
    response["Content-Security-Policy"] = POLICY
    return response


def _one(mail_id: str) -> dict[str, Any]:
    mail = store.get(KIND, mail_id)
    if mail is None:
        raise Http404
    return mail
