"""Whether this shop speaks to mail servers and gateways. A restored copy begins with ``SHOP_OUTBOUND=off``.

Off, nothing leaves: mails and refunds stay where they are written, beat starts nothing, no order expires and
nothing is erased. Each client of an outside server asks ``require`` before its first byte.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

_may_ask: ContextVar[bool] = ContextVar("_may_ask", default=False)


def is_off() -> bool:
    return not settings.OUTBOUND


def require(refusal: type[Exception] = ConnectionError) -> None:
    """Raise ``refusal``, the caller's word for a server that cannot be reached, where nothing may leave."""
    if is_off() and not _may_ask.get():
        raise refusal("SHOP_OUTBOUND=off")


@contextmanager
def questions_are_allowed() -> Iterator[None]:
    """For a person's command that asks a gateway and changes nothing there."""
    token = _may_ask.set(True)
    try:
        yield
    finally:
        _may_ask.reset(token)


class HeldMails(BaseEmailBackend):
    """The e-mail backend while nothing may leave: whoever sends hears that the server is away."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        require()
        raise ConnectionError("SHOP_OUTBOUND was off when this process began")
