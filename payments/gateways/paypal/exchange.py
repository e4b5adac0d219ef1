"""One question to PayPal, and how its failures are told apart: refused, ours to mend, or unknown."""

import json
import re
import time
from dataclasses import replace
from typing import Any

import requests
from paypalrestsdk import exceptions

from payments.gateways.base import GatewayBusy, GatewayError, Misconfigured
from shop.background.lines import Busy

from .client import Answer, Patience, SafeApi

# Statuses that say: understood, and nothing was done.
_REFUSALS = {400, 404, 410, 422}


class Refused(Exception):
    """PayPal understood and did nothing. ``issue`` is its code."""

    def __init__(self, status: int, issue: str, debug_id: str) -> None:
        super().__init__(issue)
        self.status = status
        self.issue = issue
        self.debug_id = debug_id


class Unavailable(GatewayError):
    """No answer, or one that says: not now. ``retry_after`` is PayPal's wish in seconds, if it told one."""

    def __init__(self, code: str, *, debug_id: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, debug_id=debug_id)
        self.retry_after = retry_after


PAUSES = [0.2, 0.5]  # seconds between three tries of one question


def ask_with_retries(
    api: SafeApi,
    method: str,
    path: str,
    body: dict[str, Any],
    *,
    request_id: str,
    prefer: str,
    patience: Patience,
) -> Answer:
    """Send as ``ask`` does, three times at most while PayPal is unavailable, with the same request id."""
    until = time.monotonic() + patience.total

    def once() -> Answer:
        left = replace(patience, total=until - time.monotonic(), reconnects=False)
        return ask(api, method, path, body, request_id=request_id, prefer=prefer, patience=left)

    for pause in PAUSES:
        try:
            return once()
        except Unavailable as error:
            wait = max(pause, error.retry_after or 0)
            if time.monotonic() + wait >= until:
                raise
        time.sleep(wait)
    return once()


def ask(
    api: SafeApi,
    method: str,
    path: str,
    body: dict[str, Any] | list[Any] | None = None,
    *,
    raw: bytes | None = None,
    request_id: str = "",
    prefer: str = "",
    patience: Patience | None = None,
) -> Answer:
    """Send and return a 2xx answer.

    Raises Refused for a definite no, Misconfigured where a person must act, GatewayError where nothing is
    known. Their causes are cut off: the SDK's exceptions quote whole bodies.
    """
    headers = {"PayPal-Request-Id": request_id} if request_id else {}
    if prefer:
        headers["Prefer"] = f"return={prefer}"
    try:
        return api.call(method, path, body, headers=headers, raw=raw, patience=patience)
    except Busy:
        raise GatewayBusy from None
    except requests.Timeout:
        raise Unavailable("TIMEOUT") from None
    except requests.RequestException:
        raise Unavailable("UNREACHABLE") from None
    except exceptions.ConnectionError as error:
        raise _translated(error.response, error.content) from None


def _translated(response: requests.Response | None, text: str) -> Refused | GatewayError:
    if response is None:
        return GatewayError("NO_TOKEN")
    document = _document(text)
    status = response.status_code
    issue = _issue(document) or f"HTTP_{status}"
    debug_id = str(response.headers.get("PayPal-Debug-Id") or document.get("debug_id") or "")[:60]
    if status in {401, 403, 405, 406, 415}:
        return Misconfigured(issue, debug_id=debug_id)
    # A page of some proxy between us and PayPal is no answer of PayPal's.
    if status in _REFUSALS and "name" in document:
        return Refused(status, issue, debug_id)
    # The token endpoint answers in OAuth's shape.
    if status == 400 and "error" in document:
        return Misconfigured(issue, debug_id=debug_id)
    if status == 429 or status >= 500:
        return Unavailable(
            issue, debug_id=debug_id, retry_after=_seconds(response.headers.get("Retry-After"))
        )
    return GatewayError(issue, debug_id=debug_id, about_one=400 <= status < 500 and "name" in document)


def _seconds(text: str | None) -> float | None:
    """The header may also be a date, which is not used for waits of seconds."""
    if text is None:
        return None
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else float("inf")


def _document(content: Any) -> dict[str, Any]:
    try:
        document = json.loads(content or "")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _issue(document: dict[str, Any]) -> str:
    """The first detail's code; ``details`` may be missing (429, 5xx). At most 60 characters, safe to log."""
    details = document.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else {}
    issue = first.get("issue") or document.get("name") or document.get("error") or ""
    return re.sub(r"\W", "", str(issue), flags=re.ASCII)[:60].upper()
