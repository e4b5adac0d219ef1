"""PayPal's API over HTTP.

``paypalrestsdk`` serves as transport only: credentials, endpoint, user agent, and which status raises which
error. Its resource classes speak the retired v1 API and must not be imported. Its own HTTP methods have no
timeout, repeat for ever on 401, follow redirects and log tokens and bodies; ``SafeApi`` replaces them.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn

import requests
from django.conf import settings
from paypalrestsdk import exceptions
from paypalrestsdk.api import Api
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from shop.background import outbound, peers
from shop.background.lines import line, serves_requests
from shop.database import assert_no_transaction

logger = logging.getLogger(__name__)
logging.getLogger("paypalrestsdk").setLevel(logging.WARNING)

QUICK = 1.0  # seconds; a connection that breaks sooner was most likely a kept one that PayPal had closed
LARGEST = 1024 * 1024  # bytes of an answer; PayPal's have some thousands


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for a connection, for the next bytes of an answer, and for everything together.

    "Everything" includes a token that has to be fetched first, and the second try after a broken connection.
    """

    connect: float = 3.05
    read: float = 20
    total: float = 30
    reconnects: bool = True


# Somebody waits in front of a browser. What PayPal has done after this, the sweep finds out.
OF_REQUESTS = Patience(connect=2, read=6, total=8)


@dataclass(frozen=True)
class Answer:
    """A 2xx answer. 201: done now; 200: known, or done by an earlier request with the same key."""

    status: int
    body: dict[str, Any]
    debug_id: str = ""


class _Waiting:
    """The patience of one call, running out."""

    def __init__(self, patience: Patience) -> None:
        self.reconnects = patience.reconnects
        self._timeout = (patience.connect, patience.read)
        self._until = time.monotonic() + patience.total

    def left(self) -> float:
        """Seconds that remain. Raises requests.Timeout when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise requests.Timeout
        return left

    def timeout(self, longest: tuple[float, float]) -> tuple[float, float]:
        connect, read = (min(pair) for pair in zip(self._timeout, longest, strict=True))
        return min(connect, self.left()), min(read, self.left())


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    data: bytes | None
    headers: Mapping[str, str]
    waiting: _Waiting


class SafeApi(Api):  # type: ignore[misc]  # the SDK has no types
    """One token for many threads, one renewal on 401, timeouts, kept connections, no redirects."""

    SKEW = 60  # seconds before its end at which a token counts as expired

    def __init__(
        self,
        endpoint: str,
        *,
        mode: str,
        client_id: str,
        client_secret: str,
        session: requests.Session | None = None,
        timeout: tuple[float, float] = (Patience.connect, Patience.read),
    ) -> None:
        super().__init__(
            mode=mode, endpoint=endpoint.rstrip("/"), client_id=client_id, client_secret=client_secret
        )
        self.timeout = timeout
        self.session = session or requests.Session()
        self.session.trust_env = False  # no proxies, CA bundle or .netrc from the environment
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for prefix in ("https://", "http://"):
            self.session.mount(prefix, HTTPAdapter(pool_connections=4, pool_maxsize=16, max_retries=0))
        self._lock = threading.Lock()
        self._token = ""
        self._token_ends = self._token_failed_at = 0.0

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | list[Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        patience: Patience | None = None,
    ) -> Answer:
        """Make one exchange. Every request must be safe to repeat: a GET, a PATCH to one end, or with an id.

        Raises the SDK's exceptions for everything but 2xx, those of ``requests`` where no answer came; Busy.
        """
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        patience = patience or (OF_REQUESTS if serves_requests() else Patience())
        with line(peers.PAYPAL):
            request = _Request(method, path, data, headers or {}, _Waiting(patience))
            token = self._bearer(request.waiting)
            try:
                return self._authorised(token, request)
            except exceptions.UnauthorizedAccess:
                self._forget(token)
                return self._authorised(self._bearer(request.waiting), request)

    def get_token_hash(
        self, authorization_code: None = None, refresh_token: None = None, headers: None = None
    ) -> dict[str, Any]:
        """The SDK's name for the token."""
        return {"access_token": self._bearer(_Waiting(Patience()))}

    def _bearer(self, waiting: _Waiting) -> str:
        """The cached token. The lock is held while it is fetched: cold threads fetch, or fail, together."""
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=waiting.left()):
            raise requests.Timeout
        try:
            if self._token and time.monotonic() < self._token_ends:
                return self._token
            if self._token_failed_at > asked_at:
                # Else each waiting thread would sit through a timeout of its own, one after the other.
                raise requests.ConnectionError
            try:
                self._token, life = self._fetch_token(waiting)
            except Exception:
                self._token_failed_at = time.monotonic()
                raise
            self._token_ends = asked_at + max(life - self.SKEW, 0)
            return self._token
        finally:
            self._lock.release()

    def _fetch_token(self, waiting: _Waiting) -> tuple[str, int]:
        headers = {
            "Authorization": "Basic " + self.basic_auth(),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        request = _Request("POST", "/v1/oauth2/token", b"grant_type=client_credentials", headers, waiting)
        body = self._send(self.token_endpoint, request, headers).body
        token, life = str(body.get("access_token", "")), str(body.get("expires_in", ""))
        if not token.isascii() or not token or not life.isdecimal():
            raise exceptions.ServerError(None, None, "no token in the answer")
        return token, int(life)

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:  # else another thread has renewed it
                self._token = ""

    def _authorised(self, token: str, request: _Request) -> Answer:
        headers = {"Authorization": "Bearer " + token, **request.headers}
        if request.data is not None:
            headers["Content-Type"] = "application/json"
        started = time.monotonic()
        try:
            return self._send(self.endpoint, request, headers)
        except requests.ConnectionError:
            if not request.waiting.reconnects or time.monotonic() - started > QUICK:
                raise
            return self._send(self.endpoint, request, headers)

    def _send(self, base: str, request: _Request, headers: dict[str, str]) -> Answer:
        assert_no_transaction()
        outbound.require(requests.ConnectionError)
        started = time.monotonic()
        with self.session.request(
            request.method,
            base + request.path,
            data=request.data,
            headers={"Accept": "application/json", "User-Agent": self.user_agent, **headers},
            timeout=request.waiting.timeout(self.timeout),
            allow_redirects=False,
            stream=True,
        ) as response:
            text = _read(response, request.waiting).decode("utf-8", "replace")
        debug_id = response.headers.get("PayPal-Debug-Id", "")
        duration = 1000 * (time.monotonic() - started)
        exchange = (request.method, request.path, response.status_code, debug_id, duration)
        logger.info("PayPal %s %s: %s, %s, %d ms", *exchange)
        if response.status_code == 204:  # done, and nothing to say
            return Answer(204, {}, debug_id)
        try:
            body = self.handle_response(response, text)  # raises for everything but 2xx, redirects too
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise exceptions.ServerError(response, text, "not a JSON object")
        return Answer(response.status_code, body, debug_id)

    def request(self, *arguments: Any, **options: Any) -> NoReturn:
        """What the SDK's own get, post, … end in. They are unsafe; use ``call``."""
        raise NotImplementedError

    http_call = request


def _read(response: requests.Response, waiting: _Waiting) -> bytes:
    """The whole body. A timeout of ``requests`` counts anew with each byte; here the whole is bounded."""
    content = b""
    try:
        while chunk := response.raw.read1(LARGEST + 1, decode_content=True):
            content += chunk
            waiting.left()
            if len(content) > LARGEST:
                raise exceptions.ServerError(response, "", "too large")
    except HTTPError:
        raise requests.ConnectionError from None
    return content or response.content  # somebody may have read it before us


_building = threading.Lock()


def default_api() -> SafeApi:
    """The connection of this process, built at first use: after a fork each process has its own."""
    with _building:
        return _api(
            os.getpid(),
            settings.PAYPAL_API_BASE,
            settings.PAYPAL_MODE,
            settings.PAYPAL_CLIENT_ID,
            settings.PAYPAL_CLIENT_SECRET,
        )


@cache
def _api(process: int, endpoint: str, mode: str, client_id: str, client_secret: str) -> SafeApi:
    return SafeApi(endpoint, mode=mode, client_id=client_id, client_secret=client_secret)
