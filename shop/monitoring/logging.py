"""Log lines with a request id and without secrets or personal data.

A record is made safe when it is made (``SafeRecord``), so it does not matter which handler writes it: ours,
gunicorn's, Python's last resort. Our formatter looks at the whole line once more.
"""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from .masking import chain, masked, one_line, told

current_request_id: ContextVar[str] = ContextVar("request_id", default="-")

INDENT = "    "  # of a traceback's lines: none can be taken for a record of its own


class SafeRecord(logging.LogRecord):
    """A record whose message is one masked line, and whose traceback quotes nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and not isinstance(self.exc_info, bool):
            self.exc_text = safe_traceback(self.exc_info[1])

    def getMessage(self) -> str:
        """In place of ``LogRecord.getMessage``."""
        message = str(_told(self.msg))
        if isinstance(self.args, Mapping):
            message %= {name: _told(each) for name, each in self.args.items()}
        elif self.args:
            message %= tuple(map(_told, self.args))
        return one_line(masked(message))


class _Told:
    """Stands in for an exception in a message."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        return told(self.error)

    def __repr__(self) -> str:
        return f"{type(self.error).__name__}({told(self.error)!r})"


def _told(value: object) -> object:
    return _Told(value) if isinstance(value, BaseException) else value


def safe_traceback(error: BaseException | None) -> str:
    """The traceback with all of its chain; of each exception what may be told of it."""
    if error is None:
        return ""
    text = "".join(traceback.format_exception(error))
    for each in chain(error):
        said, may_be_said = str(each), told(each)
        if said and said != may_be_said:
            text = text.replace(said, may_be_said)
            text = text.replace(said.replace("\n", f"\n{INDENT}"), may_be_said)  # of a group: indented
    return INDENT + f"\n{INDENT}".join(one_line(line) for line in masked(text).splitlines())


class RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True


class MaskingFormatter(logging.Formatter):
    """One line: time, level, logger, request id, message; secrets masked, also in tracebacks."""

    # Whatever machine writes it, and on the night when clocks are put back.
    converter = time.gmtime  # type: ignore[assignment]
    default_time_format, default_msec_format = "%Y-%m-%dT%H:%M:%S", "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s", defaults={"request_id": "-"}
        )

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))

    def formatException(self, ei: Any) -> str:
        return safe_traceback(ei[1])

    def formatStack(self, stack_info: str) -> str:
        return INDENT + stack_info.replace("\n", f"\n{INDENT}")


def logging_config(*, level: str) -> dict[str, Any]:
    """The setting ``LOGGING``: everything to the console, at ``level``. Makes every record safe."""
    _guard()
    ours = {"handlers": ["console"], "propagate": False}
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
            # These bring handlers of their own, or pass nothing on.
            "gunicorn.error": ours,
            "gunicorn.access": ours,
            "multiprocessing": ours,
            "paypalrestsdk": {"level": "WARNING"},  # its DEBUG output holds tokens and whole bodies
            "axes": {"level": "WARNING"},
            # A line for every task, every ten seconds, and for every step of a mail's delivery.
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "mail.log": {"level": "WARNING"},
        },
    }


def _guard() -> None:
    """Whatever reaches standard error of this process passes through a safe record."""
    logging.setLogRecordFactory(SafeRecord)
    if logging.lastResort:
        logging.lastResort.setFormatter(MaskingFormatter())
    logging.captureWarnings(capture=True)
    if sys.excepthook is sys.__excepthook__:  # not where somebody looks after them already: a test run
        sys.excepthook = _log_crash
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _log_thread_crash


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The end of a command: Python itself would print all that the exception says."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("shop").critical("ended by an error", exc_info=(kind, error, trace))


def _log_thread_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
        logging.getLogger("shop").critical("a thread ended by an error", exc_info=crash.exc_value)
