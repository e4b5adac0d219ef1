"""Log lines with a request id and without secrets."""

import logging
import re
from contextvars import ContextVar
from typing import Any

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


def logging_config(*, level: str) -> dict[str, Any]:
    """The setting ``LOGGING``: everything to the console, at ``level``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "request_id": {"()": "shop.monitoring.logging.RequestIdFilter"},
            "bursts": {"()": "shop.monitoring.log_bursts.BurstFilter"},
        },
        "formatters": {"line": {"()": "shop.monitoring.logging.MaskingFormatter"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["bursts", "request_id"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "paypalrestsdk": {"level": "WARNING"},  # its DEBUG output holds tokens and whole bodies
            "axes": {"level": "WARNING"},
            "pikepdf": {"level": "ERROR"},  # says that it is there; its warnings quote the files of clients
            # A line for every task, every ten seconds, and for every step of a mail's delivery.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "mail.log": {"level": "WARNING"},
        },
    }
