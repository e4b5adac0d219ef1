"""For the tests' judge: what was said here, word for word, if ``SANDBOX_RECORD_FILE`` names a file for it.

A JSON object per line. Tokens and credentials are left out. ``fault`` names what was ordered to go wrong on
the line: such an exchange proves nothing about anybody's form.
"""

import json
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

RECORDED_HEADERS = ("Accept", "Content-Type", "PayPal-Request-Id", "Prefer", "User-Agent")
_writing = threading.Lock()


def recorded(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Write the exchange down where tests ask for it, and return the response."""
    if settings.SANDBOX_RECORD_FILE:
        line = json.dumps(_exchange(request, response))
        with _writing, Path(settings.SANDBOX_RECORD_FILE).open("a") as file:
            file.write(f"{line}\n")
    return response


def _exchange(request: HttpRequest, response: HttpResponseBase) -> dict[str, Any]:
    headers = {name: request.headers[name] for name in RECORDED_HEADERS if name in request.headers}
    if scheme := request.headers.get("Authorization", "").partition(" ")[0]:
        headers["Authorization"] = f"{scheme} left-out"
    content: bytes = getattr(response, "content", b"")
    return {
        "method": request.method,
        "path": request.get_full_path(),
        "headers": headers,
        "body": request.body.decode("utf-8", "backslashreplace"),
        "status": response.status_code,
        "answer_headers": {"Content-Type": response.get("Content-Type", "")},
        "answer": without_token(content.decode("utf-8", "backslashreplace")),
        "fault": getattr(request, "fault", ""),
    }


def without_token(text: str) -> str:
    """An answer in which no access token can be read."""
    if '"access_token"' not in text:
        return text
    return json.dumps(json.loads(text) | {"access_token": "left-out"})
