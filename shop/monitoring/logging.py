"""Log lines with a request id and without secrets."""

import logging
import re
from contextvars import ContextVar

current_request_id: ContextVar[str] = ContextVar("request_id", default="-")

# Tokens in addresses open an order's page or a list of orders, order keys open reports, 13-19 digits may be a
# card number.
_MASKS = [
    (re.compile(r"(/(?:order|pay)/)[A-Za-z0-9_-]{16,}"), r"\1***"),
    (re.compile(r"(/orders/(?:link|privacy)/)[A-Za-z0-9_:%-]{16,}"), r"\1***"),
    (re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}\b", re.IGNORECASE), "****-****"),
    (re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), "****"),
]


def masked(text: str) -> str:
    """The text with order tokens, order keys and long digit runs blotted out."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class MaskingFormatter(logging.Formatter):
    """One line: time, level, logger, request id, message; secrets masked, also in tracebacks."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))
