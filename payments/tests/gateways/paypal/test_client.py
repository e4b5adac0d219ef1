"""The transport: one token, bounded waiting, nothing followed, nothing secret told."""

import ast
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from payments.gateways.base import GatewayError, Misconfigured
from payments.gateways.paypal import client
from payments.gateways.paypal.exchange import Refused, ask
from payments.tests.harness.peer import ORDER, TOKEN, refusal, token_and
from shop.database import OpenTransaction


def test_ten_cold_threads_fetch_one_token(peer, peer_api):
    peer.answer = token_and((200, {}, b"{}"))

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: peer_api.call("GET", ORDER), range(10)))

    assert peer.count(TOKEN) == 1
    assert peer.count(ORDER) == 10


def test_the_process_wide_connection_is_built_once_for_many_threads():
    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(lambda _: client.default_api(), range(10)))) == 1


def test_calls_share_one_connection(peer, peer_api):
    peer.answer = token_and((200, {}, b"{}"))

    for _ in range(8):
        peer_api.call("GET", ORDER)

    assert peer.connections == 1


@pytest.mark.failure("F42")
def test_a_persistent_401_stops_after_one_renewal(peer, peer_api):
    peer.answer = token_and((401, {}, b'{"name":"AUTHENTICATION_FAILURE"}'))

    with pytest.raises(Misconfigured, match="AUTHENTICATION_FAILURE"):
        ask(peer_api, "GET", ORDER)

    assert len(peer.requests) == 4


@pytest.mark.failure("F42")
def test_an_expired_token_is_renewed_once_and_the_call_succeeds(peer, peer_api):
    answers = iter([(401, {}, b"{}"), (200, {}, b'{"id":"X"}')])
    token = (200, {}, b'{"access_token":"T","token_type":"Bearer","expires_in":32400}')
    peer.answer = lambda method, path: token if path == TOKEN else next(answers)

    assert peer_api.call("GET", ORDER).body == {"id": "X"}
    assert peer.count(TOKEN) == 2


def test_a_token_is_renewed_before_its_end(peer, peer_api):
    short = (200, {}, b'{"access_token":"T","token_type":"Bearer","expires_in":60}')
    peer.answer = lambda method, path: short if path == TOKEN else (200, {}, b"{}")

    peer_api.call("GET", ORDER)
    peer_api.call("GET", ORDER)

    assert peer.count(TOKEN) == 2


def test_refused_credentials_need_a_person(peer, peer_api):
    peer.answer = lambda method, path: (401, {}, b'{"error":"invalid_client","error_description":"no"}')

    with pytest.raises(Misconfigured, match="INVALID_CLIENT"):
        ask(peer_api, "GET", ORDER)

    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b"<html>", b'{"access_token":""}', b'{"access_token":"T"}', b'"T"']
)
def test_a_token_answer_without_a_token_is_an_unknown_outcome(peer, peer_api, body):
    peer.answer = lambda method, path: (200, {}, body)

    with pytest.raises(GatewayError):
        ask(peer_api, "GET", ORDER)


def test_a_silent_server_is_left_after_the_timeout(peer, peer_api):
    def wait(method, path):
        peer.released.wait(5)
        return (200, {}, b"{}")

    peer.answer = wait
    started = time.monotonic()

    with pytest.raises(GatewayError, match="TIMEOUT"):
        ask(peer_api, "GET", ORDER)

    assert time.monotonic() - started < 4, "it would have waited five seconds"


def test_threads_waiting_for_a_token_fail_together(peer, peer_api):
    def wait(method, path):
        peer.released.wait(5)
        return (200, {}, b"{}")

    peer.answer = wait
    started = time.monotonic()

    def call(_):
        with pytest.raises(GatewayError):
            ask(peer_api, "GET", ORDER)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, range(16)))

    assert time.monotonic() - started < 6, "one after the other they take eight seconds"


def test_an_answer_without_end_is_not_kept(peer, peer_api):
    peer.answer = token_and((200, {}, b" " * (client.LARGEST + 1)))

    with pytest.raises(GatewayError):
        ask(peer_api, "GET", ORDER)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_is_not_followed(peer, peer_api, status):
    peer.answer = token_and((status, {"Location": peer.base + "/elsewhere"}, b""))

    with pytest.raises(GatewayError):
        ask(peer_api, "POST", ORDER, {})

    assert peer.count("/elsewhere") == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>hello</html>"),
        (200, b"\xff\xfe\x00"),
        (200, b"[]"),
        (200, b"[" * 100_000),
        (400, b"<html>bad gateway</html>"),
        (404, b"Not Found"),
        (409, refusal("PREVIOUS_REQUEST_IN_PROGRESS", "RESOURCE_CONFLICT")),
        (422, b"{}"),
        (429, b'{"name":"RATE_LIMIT_REACHED","message":"slow down"}'),
        (500, b'{"name":"INTERNAL_SERVER_ERROR"}'),
        (502, b"<html>"),
        (503, b""),
    ],
)
def test_what_is_not_a_clear_answer_is_an_unknown_outcome(peer, peer_api, status, body):
    peer.answer = token_and((status, {"Content-Type": "text/html", "PayPal-Debug-Id": "abc123"}, body))

    with pytest.raises(GatewayError) as caught:
        ask(peer_api, "POST", ORDER, {})

    assert not isinstance(caught.value, Misconfigured)
    assert caught.value.debug_id == "abc123"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("status", "name"), [(400, "INVALID_REQUEST"), (404, "X"), (422, "UNPROCESSABLE_ENTITY")]
)
def test_a_definite_refusal_carries_its_issue_and_debug_id(peer, peer_api, status, name):
    peer.answer = token_and((status, {"PayPal-Debug-Id": "abc123"}, refusal("INSTRUMENT_DECLINED", name)))

    with pytest.raises(Refused) as caught:
        ask(peer_api, "POST", ORDER, {})

    assert (caught.value.status, caught.value.issue) == (status, "INSTRUMENT_DECLINED")
    assert caught.value.debug_id == "abc123"


def test_a_forbidden_call_needs_a_person(peer, peer_api):
    peer.answer = token_and((403, {}, refusal("PERMISSION_DENIED", "NOT_AUTHORIZED")))

    with pytest.raises(Misconfigured, match="PERMISSION_DENIED"):
        ask(peer_api, "POST", ORDER, {})


def test_a_refused_connection_is_an_unknown_outcome():
    api = client.SafeApi("http://127.0.0.1:9", mode="sandbox", client_id="a", client_secret="b")

    with pytest.raises(GatewayError, match="UNREACHABLE"):
        ask(api, "GET", ORDER)


def test_a_kept_connection_that_the_server_closed_is_tried_once_more(peer, peer_api):
    answers = iter([(200, {}, b"{}"), None, (200, {}, b'{"id":"again"}')])
    token = (200, {}, b'{"access_token":"T","token_type":"Bearer","expires_in":32400}')
    peer.answer = lambda method, path: token if path == TOKEN else next(answers)

    peer_api.call("GET", ORDER)

    assert peer_api.call("POST", ORDER, {}, headers={"PayPal-Request-Id": "k"}).body == {"id": "again"}
    assert [headers.get("PayPal-Request-Id") for _, _, headers, _ in peer.requests][-2:] == ["k", "k"]


def test_the_token_request_carries_no_header_of_the_call(peer, peer_api):
    peer.answer = token_and((200, {}, b"{}"))

    peer_api.call("POST", ORDER, {}, headers={"PayPal-Request-Id": "k", "Prefer": "return=minimal"})

    (_, _, token, body), (_, _, call, _) = peer.requests
    assert "PayPal-Request-Id" not in token
    assert "Prefer" not in token
    assert body == b"grant_type=client_credentials"
    assert call["Authorization"] == "Bearer TOKEN-SECRET"


def test_a_get_has_no_body(peer, peer_api):
    peer.answer = token_and((200, {}, b"{}"))

    peer_api.call("GET", ORDER)

    _, _, headers, body = peer.requests[-1]
    assert body == b""
    assert "Content-Type" not in headers


def test_neither_proxies_nor_netrc_of_the_environment_count(peer, peer_api, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password stolen\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    peer.answer = token_and((200, {"Set-Cookie": "a=b"}, b"{}"))

    peer_api.call("GET", ORDER)
    peer_api.call("GET", ORDER)

    _, _, headers, _ = peer.requests[-1]
    assert headers["Authorization"] == "Bearer TOKEN-SECRET"
    assert "Cookie" not in headers


def test_no_secret_reaches_the_log(peer, peer_api, caplog):
    caplog.set_level(logging.DEBUG)
    peer.answer = token_and((422, {}, refusal("INSTRUMENT_DECLINED") + b" "))

    with pytest.raises(Refused) as caught:
        ask(peer_api, "POST", ORDER, {"note": "BODY-SECRET"})

    text = caplog.text + repr(caught.value) + str(caught.value)
    assert ORDER in text
    basic = "Q0xJRU5ULUlEOkNMSUVOVC1TRUNSRVQ="
    for secret in ("TOKEN-SECRET", "CLIENT-SECRET", basic, "BODY-SECRET", "Bearer"):
        assert secret not in text


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_the_unsafe_methods_of_the_sdk_are_shut(peer, peer_api, method):
    peer.answer = token_and((200, {}, b"{}"))

    with pytest.raises(NotImplementedError):
        getattr(peer_api, method)("v1/payments/payment")


@pytest.mark.django_db(transaction=True)
def test_no_call_leaves_while_a_transaction_is_open(peer, peer_api):
    with transaction.atomic(), pytest.raises(OpenTransaction):
        peer_api.call("GET", ORDER)

    assert peer.requests == []


def test_only_the_transport_of_the_sdk_is_imported():
    allowed = {("paypalrestsdk", "exceptions"), ("paypalrestsdk.api", "Api")}
    seen = set()
    for app in ("shop", "catalog", "cart", "checkout", "payments", "consulting"):
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            text = path.read_text()
            if "paypalrestsdk" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    assert not any(name.name.startswith("paypalrestsdk") for name in node.names), path
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("paypalrestsdk"):
                    seen |= {(node.module, name.name) for name in node.names}

    assert seen == allowed
