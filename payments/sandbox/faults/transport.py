"""Faults on the line: what a caller meets when the connection, a proxy or a tired server comes in between."""

import secrets
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from django.core.servers.basehttp import WSGIRequestHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from payments.sandbox import store

from . import registry as faults
from .kinds import LINE

Work = Callable[[], HttpResponseBase]

_PAGE = """<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>
"""
_GARBAGE = b'\x1f\x8b\x08\x00{"id": "\xff\xfe\x00 \xc3\x28", "status'
_NAMES = {
    401: ("AUTHENTICATION_FAILURE", "Authentication failed due to invalid authentication credentials."),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}


class ConnectionHandler(WSGIRequestHandler):
    """Lets a view get at its TCP connection, to drop it."""

    def get_environ(self) -> dict[str, Any]:
        return {**super().get_environ(), "sandbox.connection": self.connection}


def through(
    request: HttpRequest, gateway: str, on: str, names: Callable[[], Iterable[str]], work: Work
) -> HttpResponseBase:
    """Do the work and answer, unless a fault on the line is armed for this exchange. Holds no lock."""
    fault = faults.take(gateway, on, names, LINE)
    if fault is None:
        return work()
    request.fault = fault["fault"]  # type: ignore[attr-defined]
    _ = request.body  # whatever becomes of it, it has arrived
    with store.spoiled(fault["fault"]):
        return _strike(request, fault, work)


def _strike(request: HttpRequest, fault: faults.Fault, work: Work) -> HttpResponseBase:
    name = fault["fault"]
    if name in {"slow", "late"}:
        return _wait(request, fault, work)
    if name in {"error_after", "reset_after", "garbage", "empty"}:
        work()
    if name in {"hang", "reset", "reset_after"}:
        _note(request, fault, status=0)
        if name == "hang":
            _hang(request, fault["seconds"])
        return _drop(request)
    response = _answer(request, fault)
    _note(request, fault, status=response.status_code, debug_id=response.get("PayPal-Debug-Id", ""))
    return response


def _wait(request: HttpRequest, fault: faults.Fault, work: Work) -> HttpResponseBase:
    if fault["fault"] == "late":
        response = work()
        _note(request, fault, status=response.status_code)
        time.sleep(fault["seconds"])
        return response
    time.sleep(fault["seconds"])
    response = work()
    _note(request, fault, status=response.status_code)
    return response


def _answer(request: HttpRequest, fault: faults.Fault) -> HttpResponse:
    status = int(fault.get("status") or {"rate_limit": 429, "unauthorized": 401}[fault["fault"]])
    if fault["fault"] == "html":
        return HttpResponse(_PAGE, status=status, content_type="text/html")
    if fault["fault"] == "empty":
        return HttpResponse(b"", status=status)
    if fault["fault"] == "garbage":
        kind = "application/json" if fault["gateway"] == "paypal" else "text/html;charset=UTF-8"
        return HttpResponse(_GARBAGE, status=status, content_type=kind)
    response = _document(fault, status) if fault["gateway"] == "paypal" else _sentence(status)
    if fault["fault"] == "rate_limit" and fault["retry_after"] is not None:
        response["Retry-After"] = str(fault["retry_after"])
    return response


def _document(fault: faults.Fault, status: int) -> HttpResponse:
    """An error in PayPal's form."""
    if fault["on"] == "token" and status == 401:
        error = {"error": "invalid_client", "error_description": "Client Authentication failed"}
        return JsonResponse(error, status=status)
    if fault["fault"] == "unauthorized":
        error = {"error": "invalid_token", "error_description": "Access Token not found in cache"}
        return JsonResponse(error, status=status)
    name, message = _NAMES.get(status, ("INTERNAL_SERVER_ERROR", "An internal server error has occurred."))
    debug_id = secrets.token_hex(7)
    response = JsonResponse({"name": name, "message": message, "debug_id": debug_id}, status=status)
    response["PayPal-Debug-Id"] = debug_id
    return response


def _sentence(status: int) -> HttpResponse:
    """An error as UnionPay's front layer words it."""
    return HttpResponse(f"Error {status}", status=status, content_type="text/plain;charset=UTF-8")


def _hang(request: HttpRequest, seconds: float) -> None:
    """Say nothing until the time is over or the caller has hung up."""
    connection: socket.socket = request.META["sandbox.connection"]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        with suppress(OSError):
            readable, _, _ = select.select([connection], [], [], left)
            if not readable or not connection.recv(1, socket.MSG_PEEK):
                return
        time.sleep(0.05)


def _drop(request: HttpRequest) -> HttpResponse:
    """End the connection. What is returned cannot reach anybody."""
    connection: socket.socket = request.META["sandbox.connection"]
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)
    return HttpResponse()


def _note(request: HttpRequest, fault: faults.Fault, **more: Any) -> None:
    request_id = request.headers.get("PayPal-Request-Id", "")
    faults.note(fault, method=request.method, path=request.path, request_id=request_id, **more)
