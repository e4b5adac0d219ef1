"""The e-mail backend: a conversation with the mail server that ends in time, however slowly it answers.

A mail belongs to one worker for ``outbox.LEASE``; then another may send it. A limit for each answer is none
for all: a server that takes nearly as long for every one would outlast the lease, and the mail would go
twice. So each part of the conversation has an end, and no mail is begun that there is no time for.
"""

import io
import smtplib
import socket
import time
from typing import Any

from django.core.mail.backends import smtp

# Seconds. Together, and some for what is done besides, they are less than ``outbox.LEASE``.
ENVELOPE = 65  # greeting, TLS, sign-in, sender, receiver, "may I": no mail has been sent by then
LETTER = 40  # the mail itself, and what the server says of it
FAREWELL = 5


class EmailBackend(smtp.EmailBackend):
    """Django's, with an end. What is not sent by then raises what a silent server raises."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _BoundedTLS if self.use_ssl else _Bounded


class _Bounded(smtplib.SMTP):
    """``timeout`` is for one call of the socket, as it always was; no call goes beyond the part's end."""

    timeout: float

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._until = time.monotonic() + ENVELOPE
        super().__init__(*arguments, **options)

    def hurry(self) -> None:
        """Give the socket's next call what is left of the time. Raises TimeoutError where nothing is."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the mail server takes too long")
        if self.sock:
            self.sock.settimeout(min(left, self.timeout))

    def send(self, s: Any) -> None:
        if isinstance(s, bytes):  # the mail; commands are text
            self._until = time.monotonic() + LETTER
        self.hurry()
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Answer(self))
        return super().getreply()

    def quit(self) -> tuple[int, bytes]:
        self._until = time.monotonic() + FAREWELL
        return super().quit()


class _BoundedTLS(_Bounded, smtplib.SMTP_SSL):
    """Under TLS from the first byte."""


class _Answer(io.RawIOBase):
    """What the server says, also where it says it byte by byte."""

    def __init__(self, conversation: _Bounded) -> None:
        self._conversation = conversation

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._conversation.hurry()
        sock: socket.socket = self._conversation.sock  # type: ignore[assignment]
        return sock.recv_into(buffer)
