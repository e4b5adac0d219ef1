"""An outage is asked again, three times at most and while there is time."""

import time
from contextlib import suppress

import pytest

from payments.gateways.base import GatewayError
from payments.gateways.paypal.client import Patience
from payments.gateways.paypal.exchange import Unavailable, ask, ask_with_retries
from payments.tests.harness.peer import ORDER, TOKEN, token_and

# --- asking again


def ask_the_peer(api, **patience):
    wait = Patience(**{"connect": 1, "read": 0.5, "total": 4, **patience})
    return ask_with_retries(api, "POST", ORDER, {}, request_id="k1", prefer="minimal", patience=wait)


def times_asked(peer):
    return [headers["PayPal-Request-Id"] for _, path, headers, _ in peer.requests if path == ORDER]


@pytest.mark.failure("F30")
@pytest.mark.parametrize(
    "failure",
    [(500, {}, b"{}"), (503, {}, b"<html>"), (429, {}, b"{}"), (429, {"Retry-After": "0"}, b"{}"), None],
)
def test_an_unavailable_paypal_is_asked_three_times_with_one_key(peer, peer_api, failure):
    answers = iter([failure, failure, (201, {}, b'{"id":"X"}')])
    token = (200, {}, b'{"access_token":"T","token_type":"Bearer","expires_in":32400}')
    peer.answer = lambda method, path: token if path == TOKEN else next(answers)

    assert ask_the_peer(peer_api).body == {"id": "X"}
    assert times_asked(peer) == ["k1"] * 3


@pytest.mark.failure("F30")
def test_three_failures_are_enough(peer, peer_api):
    peer.answer = token_and((500, {}, b"{}"))

    with pytest.raises(Unavailable, match="HTTP_500"):
        ask_the_peer(peer_api)

    assert times_asked(peer) == ["k1"] * 3


@pytest.mark.failure("F30")
def test_a_silent_server_is_asked_again_only_while_there_is_time(peer, peer_api):
    def wait(method, path):
        if path == TOKEN:
            return peer.token
        peer.released.wait(5)
        return (200, {}, b"{}")

    peer.answer = wait
    started = time.monotonic()

    with pytest.raises(Unavailable, match="TIMEOUT"):
        ask_the_peer(peer_api, read=0.3, total=0.6)

    assert time.monotonic() - started < 1
    assert len(times_asked(peer)) == 2


def test_a_short_wish_to_wait_is_respected_and_a_long_one_ends_the_request(peer, peer_api):
    answers = iter(
        [(429, {"Retry-After": "1"}, b"{}"), (201, {}, b"{}"), (429, {"Retry-After": "30"}, b"{}")]
    )
    token = (200, {}, b'{"access_token":"T","token_type":"Bearer","expires_in":32400}')
    peer.answer = lambda method, path: token if path == TOKEN else next(answers)

    started = time.monotonic()
    ask_the_peer(peer_api)
    assert time.monotonic() - started >= 1
    with pytest.raises(Unavailable) as caught:
        ask_the_peer(peer_api)

    assert caught.value.retry_after == 30
    assert len(times_asked(peer)) == 3


@pytest.mark.parametrize("header", ["Wed, 25 Nov 2026 10:00:00 GMT", "soon", "-1", "9" * 7])
def test_a_wish_that_is_no_number_of_seconds_is_not_guessed(peer, peer_api, header):
    peer.answer = token_and((429, {"Retry-After": header}, b"{}"))

    with pytest.raises(Unavailable):
        ask_the_peer(peer_api)

    assert len(times_asked(peer)) == 1


@pytest.mark.parametrize(
    "answer", [(401, {}, b"{}"), (403, {}, b"{}"), (409, {}, b"{}"), (200, {}, b"<html>"), (302, {}, b"")]
)
def test_what_is_no_outage_is_not_asked_again(peer, peer_api, answer):
    peer.answer = token_and(answer)

    with pytest.raises(GatewayError):
        ask_the_peer(peer_api)

    assert len(times_asked(peer)) == (2 if answer[0] == 401 else 1)


def test_an_outage_of_the_token_counts_too(peer, peer_api):
    answers = iter([(503, {}, b""), None, peer.token])
    peer.answer = lambda method, path: next(answers) if path == TOKEN else (201, {}, b"{}")

    assert ask_the_peer(peer_api).status == 201
    assert peer.count(TOKEN) == 3


def test_an_answer_that_drips_is_left_when_the_time_is_over(peer, peer_api):
    def drip(handler):
        peer.requests.append((handler.command, handler.path, dict(handler.headers), b""))
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        with suppress(OSError):  # the caller has gone
            while not peer.released.wait(0.1):
                handler.wfile.write(b" ")
                handler.wfile.flush()

    peer.answer = token_and((200, {}, b"{}"))
    peer_api.call("GET", ORDER)
    peer.respond = drip
    started = time.monotonic()

    with pytest.raises(GatewayError):
        ask(peer_api, "GET", ORDER, patience=Patience(total=0.5))

    assert time.monotonic() - started < 1.5
