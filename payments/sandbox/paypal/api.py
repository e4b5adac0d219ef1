"""The one door of the API: every call passes ``endpoint``, and each exchange leaves a line in the log."""

import datetime as dt
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from payments.sandbox import scheduler, store
from payments.sandbox.faults import registry as faults
from payments.sandbox.faults import transport
from shop import clock

from . import exchange_log
from . import faults as paypal_faults
from .errors import InvalidToken, Refusal, Reply
from .token import problem_of

HOURS_6 = dt.timedelta(hours=6)
DAYS_45 = dt.timedelta(days=45)


@dataclass
class Exchange:
    """One request, checked for its outer form. Views put into ``facts`` what the log may know."""

    request: HttpRequest
    operation: str  # what faults call it
    request_id: str = ""
    full: bool = False  # Prefer: return=representation
    body: Any = None
    text: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    binds_key: bool = True  # whether a refusal by the processor stays bound to its PayPal-Request-Id


View = Callable[..., Reply]
Repeat = Callable[[str], dict[str, Any]]


def endpoint(
    kind: str, method: str, *, key_life: dt.timedelta | None = None, repeat: Repeat | None = None
) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """An API call.

    With ``key_life`` a PayPal-Request-Id makes it idempotent for that long: the first request does the work,
    later ones are answered 200 with the state that ``repeat`` reads by the id of the first answer's object.
    Requests are served one at a time, so two with the same key cannot both do the work.
    """

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        operation = paypal_faults.OPERATIONS[kind]

        def work(request: HttpRequest, ids: dict[str, str]) -> HttpResponseBase:
            scheduler.run_due()
            exchange = Exchange(request, operation)
            try:
                _check_form(exchange, method)
                with store.transaction():
                    if key_life and repeat and exchange.request_id:
                        reply = _once(exchange, key_life, repeat, lambda: _ordered(exchange, view, ids))
                    else:
                        reply = _ordered(exchange, view, ids)
                    reply = paypal_faults.with_tampering(operation, ids, reply)
            except Refusal as refusal:
                reply = refusal.reply()
            except InvalidToken as problem:
                reply = Reply(401, problem.body)
            response = _response(exchange, reply)
            store.log("paypal", kind, **_logged(exchange, reply, ids))
            return response

        @csrf_exempt
        @wraps(view)
        def served(request: HttpRequest, **ids: str) -> HttpResponseBase:
            names = partial(paypal_faults.names, request, ids)
            return exchange_log.recorded(
                request, transport.through(request, "paypal", operation, names, partial(work, request, ids))
            )

        return served

    return decorate


def _ordered(exchange: Exchange, view: View, ids: dict[str, str]) -> Reply:
    """What the view answers, unless a decline is ordered for a call that needs no further state."""
    if exchange.operation in {"create", "refund"}:
        names = partial(paypal_faults.names, exchange.request, ids)
        if fault := faults.take("paypal", exchange.operation, names, {"decline"}):
            return declined(exchange, fault)
    return view(exchange, **ids)


def declined(exchange: Exchange, fault: faults.Fault) -> Reply:
    """The refusal that was ordered. It leaves no trace; the processor's own no stays with its key."""
    refusal = Refusal(paypal_faults.status_of(fault), fault["issue"])
    exchange.binds_key = fault["issue"] in paypal_faults.FINAL_ISSUES
    faults.note(fault, status=refusal.status)
    return refusal.reply()


def _check_form(exchange: Exchange, method: str) -> None:
    request = exchange.request
    if request.method != method:
        raise Refusal(405)
    if problem := problem_of(request.headers.get("Authorization", "")):
        raise problem
    exchange.request_id = _header(request, "PayPal-Request-Id", r".{0,108}")
    exchange.full = _header(request, "Prefer", r"[a-zA-Z=]{0,25}") == "return=representation"
    if method == "GET":
        if request.body:
            raise Refusal(400, "MALFORMED_REQUEST_JSON")
        return
    if request.body and request.content_type != "application/json":
        raise Refusal(415)
    try:
        exchange.text = request.body.decode()
        exchange.body = json.loads(exchange.text or "{}")
    except (ValueError, RecursionError):
        raise Refusal(400, "MALFORMED_REQUEST_JSON") from None
    if not isinstance(exchange.body, dict if method == "POST" else list):
        raise Refusal(400, "MALFORMED_REQUEST_JSON")


def _header(request: HttpRequest, name: str, pattern: str) -> str:
    value = request.headers.get(name, "")
    if not re.fullmatch(pattern, value):
        raise Refusal(400, "INVALID_PARAMETER_SYNTAX", name, location="header")
    return value


def _once(exchange: Exchange, life: dt.timedelta, repeat: Repeat, work: Callable[[], Reply]) -> Reply:
    """Do the work, or tell what became of it.

    A refusal leaves no trace and may be tried again with the same key. What the processor answered (a reply
    of 422 that was returned, not raised) stays bound to its key.
    """
    key = f"{exchange.request.path} {exchange.request_id}"
    earlier = store.get("paypal-request", key)
    if earlier and clock.now() < dt.datetime.fromisoformat(earlier["at"]) + life:
        exchange.facts["repeat"] = True
        if earlier["status"] >= 400:
            return Reply(earlier["status"], earlier["body"])
        return Reply(200, repeat(earlier["id"]))
    reply = work()
    if not exchange.binds_key:
        return reply
    body = reply.body or {}
    answer: dict[str, Any] = {"at": clock.now().isoformat(), "status": reply.status, "id": body.get("id", "")}
    if reply.status >= 400:
        answer["body"] = body
    store.put("paypal-request", key, answer)
    return reply


def _response(exchange: Exchange, reply: Reply) -> HttpResponseBase:
    body = reply.body
    if body is None:
        response: HttpResponse = HttpResponse(status=reply.status)
    else:
        if reply.status < 300 and exchange.request.method == "POST" and "links" in body and not exchange.full:
            body = _minimal(exchange, body)
        if "details" in body:
            body = {**body, "links": [*_documentation(exchange, body), *body.get("links", [])]}
        response = JsonResponse(body, status=reply.status)
    response["PayPal-Debug-Id"] = (body or {}).get("debug_id") or secrets.token_hex(7)
    return response


def _minimal(exchange: Exchange, body: dict[str, Any]) -> dict[str, Any]:
    names = ["id", "status", "links"]
    if exchange.operation == "create" and "payment_source" in body:
        names.append("payment_source")
    return {name: body[name] for name in names}


def _documentation(exchange: Exchange, body: dict[str, Any]) -> list[dict[str, str]]:
    """The link to the page about an issue, as both APIs add it to their errors."""
    part = re.search(r"/v2/(checkout/)?(orders|payments)", exchange.request.path)
    if part is None:
        return []
    page = f"https://developer.paypal.com/docs/api/{part[2]}/v2/#error-{body['details'][0]['issue']}"
    return [{"href": page, "rel": "information_link", "method": "GET"}]


def _logged(exchange: Exchange, reply: Reply, ids: dict[str, str]) -> dict[str, Any]:
    details = (reply.body or {}).get("details") or [{}]
    return {
        "references": [],
        **ids,
        **exchange.facts,
        "request_id": exchange.request_id,
        "status": reply.status,
        "issue": details[0].get("issue", ""),
    }
