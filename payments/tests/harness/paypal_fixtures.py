"""The sandbox's PayPal behind a real port, and the adapter talking to it under the judge's eyes."""

import datetime as dt
import threading
import time
import uuid
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from payments.gateways.base import Address, Item, Purchase
from payments.gateways.paypal import PayPal
from payments.gateways.paypal.client import SafeApi
from payments.sandbox.paypal import urls as paypal_urls
from payments.sandbox.paypal import webhooks
from payments.sandbox.urls import rehearsal_urlpatterns
from shop import clock

from .paypal_judge import JudgedSession
from .sandbox_server import serving

received = []  # (headers, body) of webhooks, as the shop would get them


@csrf_exempt
def notify(request):
    received.append((dict(request.headers), request.body))
    return HttpResponse("ok")


URLS = (
    path("paypal/", include(paypal_urls.urlpatterns)),
    path("pay/notify/paypal/", notify),
    *paypal_urls.root_urlpatterns,
    *rehearsal_urlpatterns,
)


class PeerServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # the standard 5 makes the system drop connections of ten threads at once


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """The origin of a running sandbox with an empty memory."""

    def settings_at(origin):
        return {
            "SITE_URL": origin,
            "PAYPAL_API_BASE": f"{origin}/paypal",
            "PAYPAL_BUYER_ORIGINS": [origin],
        }

    with serving(URLS, tmp_path_factory.mktemp("sandbox"), settings_at) as origin:
        yield origin


@pytest.fixture
def make_api(sandbox, settings):
    """Connections to the sandbox, closed at the end."""
    made = []

    def make(**options):
        values = {
            "endpoint": settings.PAYPAL_API_BASE,
            "mode": settings.PAYPAL_MODE,
            "client_id": settings.PAYPAL_CLIENT_ID,
            "client_secret": settings.PAYPAL_CLIENT_SECRET,
            **options,
        }
        made.append(SafeApi(**values))
        return made[-1]

    yield make
    for api in made:
        api.session.close()


@pytest.fixture
def judged_api(make_api):
    return make_api(session=JudgedSession())


@pytest.fixture
def paypal(judged_api):
    return PayPal(judged_api)


@pytest.fixture
def make_purchase(sandbox):
    def make(**changes):
        reference = uuid.uuid4().hex[:20].upper()
        now = clock.now()
        values = {
            "reference": reference,
            "order_number": "A7K3-92QM",
            "amount": Decimal("1234.50"),
            "currency": "HKD",
            "language": "zh-hant",
            "started_at": now,
            "pay_until": now + dt.timedelta(minutes=30),
            "return_url": f"{sandbox}/zh-hant/pay/abc/return/",
            "cancel_url": f"{sandbox}/zh-hant/pay/abc/cancel/",
            "notify_url": "",
            "create_key": uuid.uuid4().hex,
            "capture_key": uuid.uuid4().hex,
            "items": (
                Item("端硯「雲紋」", Decimal("480.00"), 2, "INK-001", ships=True),
                Item("居家風水諮詢", Decimal("224.50"), 1, "SRV-001", ships=False),
            ),
            "shipping": Decimal("50.00"),
            "address": Address("陳美儀", "HK", "九龍", "油尖旺區", "彌敦道100號", "", ""),
        }
        return Purchase(**{**values, **changes})

    return make


@pytest.fixture
def approve(sandbox):
    """The buyer at PayPal's page: logs in and pays. Returns the address the browser is sent to."""

    def act(url, funding="balance"):
        with requests.Session() as browser:
            logged_in = browser.post(
                url, data={"email": "mei@example.com", "password": "x"}, allow_redirects=False, timeout=5
            )
            assert logged_in.status_code == 303
            page = requests.compat.urljoin(url, logged_in.headers["Location"])
            paid = browser.post(page, data={"funding": funding}, allow_redirects=False, timeout=5)
            assert paid.status_code == 303, paid.text
            return paid.headers["Location"]

    return act


@pytest.fixture
def started(paypal, make_purchase):
    """A purchase that PayPal knows, and the page where its buyer pays."""

    def start(**changes):
        from dataclasses import replace

        purchase = make_purchase(**changes)
        answer = paypal.start(purchase)
        return replace(purchase, gateway_id=answer.gateway_id), answer.handoff.url

    return start


@pytest.fixture
def inbox(sandbox):
    """Waits for a webhook of the given type about the given text. Returns (headers, body)."""

    def wait(event_type, about):
        for _ in range(200):
            for headers, body in list(received):
                if event_type.encode() in body and about.encode() in body:
                    return headers, body
            time.sleep(0.02)
        raise AssertionError(f"no {event_type} about {about}")

    return wait


@pytest.fixture
def parameters():
    """The query of an address as a plain dict."""
    return lambda url: {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def events():
    return webhooks


class Peer:
    """A server that answers as it is told: ``answer(method, path)`` gives (status, headers, body)."""

    token = (200, {}, b'{"access_token":"TOKEN-SECRET","token_type":"Bearer","expires_in":32400}')

    def __init__(self):
        self.requests = []
        self.connections = 0
        self.released = threading.Event()
        self.answer = lambda method, path: (200, {}, b"{}")

    def respond(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.requests.append((handler.command, handler.path, dict(handler.headers), body))
        reply = self.answer(handler.command, handler.path)
        if reply is None:  # hang up without a word
            handler.close_connection = True
            return
        status, headers, content = reply
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def count(self, path):
        return sum(1 for _, seen, _, _ in self.requests if seen == path)


@pytest.fixture
def peer():
    made = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            made.connections += 1

        def do_GET(self):
            made.respond(self)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = PeerServer(("127.0.0.1", 0), Handler)
    made.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def peer_api(peer):
    with requests.Session() as session:
        yield SafeApi(
            peer.base + "/",
            mode="sandbox",
            client_id="CLIENT-ID",
            client_secret="CLIENT-SECRET",
            session=session,
            timeout=(1, 0.5),
        )
