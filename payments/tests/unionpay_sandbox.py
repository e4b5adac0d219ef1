"""The sandbox's UnionPay behind a real port, a shop's ear for its notifications, and purchases to send it."""

import base64
import datetime as dt
import threading
import time
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from django.conf import settings as shop_settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.http import Http404, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve

from payments.gateways.base import EncryptedCard, Purchase, Unfinished
from payments.gateways.unionpay import UnionPay
from payments.sandbox import store
from payments.sandbox.unionpay import pki, transactions
from payments.sandbox.unionpay import urls as unionpay_urls
from shop import clock

CARD = "6250930000000002"

received = []  # (path, headers, body) of what the sandbox or a browser sent to the "shop"
status = {"notify": 200}  # how the "shop" answers


@csrf_exempt
def notify(request):
    received.append((request.path, dict(request.headers), request.body))
    return HttpResponse("ok", status=status["notify"])


@csrf_exempt
def front(request):
    received.append((request.path, dict(request.headers), request.body))
    return HttpResponse("back at the shop")


def static(request, name):
    if "/" in name and not name.startswith(("css/", "js/", "img/")):
        raise Http404
    return serve(request, name, document_root=shop_settings.BASE_DIR / "static")


class SandboxRequest(WSGIRequest):
    urlconf = (
        path("unionpay/", include(unionpay_urls.urlpatterns)),
        path("shop/notify/", notify),
        path("shop/return/", front),
        path("shop/cancel/", front),
        path("static/<path:name>", static),
    )


class SandboxHandler(WSGIHandler):
    request_class = SandboxRequest

    def __init__(self):
        with override_settings(MIDDLEWARE=[]):
            super().__init__()


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Timers:
    """``store.after`` for tests: quick, and over before the sandbox is."""

    def __init__(self):
        self.started = []

    def after(self, seconds, action, *arguments):
        timer = threading.Timer(seconds / 10, action, arguments)
        timer.daemon = True
        timer.start()
        self.started.append(timer)

    def stop(self):
        for timer in self.started:
            timer.cancel()
            timer.join()


@pytest.fixture(scope="module")
def unionpay_sandbox(tmp_path_factory):
    """The origin of a running sandbox with keys of its own; the shop's settings point at it."""
    server = Server(("127.0.0.1", 0), QuietHandler)
    origin = f"http://127.0.0.1:{server.server_port}"
    timers = Timers()
    folder = tmp_path_factory.mktemp("unionpay")
    with (
        pytest.MonkeyPatch.context() as patch,
        override_settings(
            VAR_DIR=folder,
            SANDBOX_URL=origin,
            UNIONPAY_MODE="onsite",
            UNIONPAY_CERT_DIR=folder / "shop-certificates",
            UNIONPAY_PFX_PASSWORD="000000",
            UNIONPAY_GATEWAY=f"{origin}/unionpay/gateway/api",
            UNIONPAY_BUYER_ORIGINS=[origin],
            UNIONPAY_MERCHANT_ID="777290058100000",
            ALLOWED_HOSTS=["127.0.0.1"],
        ),
    ):
        patch.setattr(store, "after", timers.after)
        patch.setattr(transactions, "PROCESSING_SECONDS", 0.1)
        store._database.cache_clear()
        pki.ensure_keys()
        server.set_app(SandboxHandler())
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield origin
        timers.stop()
        server.shutdown()
        thread.join()
        server.server_close()
        store._database().close()
    store._database.cache_clear()


@pytest.fixture
def gateway(unionpay_sandbox):
    received.clear()
    status["notify"] = 200
    return UnionPay()


@pytest.fixture
def make_purchase(unionpay_sandbox):
    """Purchases of HK$ 12.34, unless told otherwise, that return to the sandbox's own ear."""

    def make(**changes):
        now = clock.now()
        values = {
            "reference": uuid.uuid4().hex[:20].upper(),
            "order_number": "TEST-0001",
            "amount": Decimal("12.34"),
            "currency": "HKD",
            "language": "en",
            "started_at": now,
            "pay_until": now + dt.timedelta(minutes=60),
            "return_url": f"{unionpay_sandbox}/shop/return/",
            "cancel_url": f"{unionpay_sandbox}/shop/cancel/",
            "notify_url": f"{unionpay_sandbox}/shop/notify/",
            "create_key": uuid.uuid4().hex,
            "capture_key": uuid.uuid4().hex,
            **changes,
        }
        return Purchase(**values)

    return make


def encrypted_card(number=CARD, *, expiry="3312", cvc="123"):
    """A card as the page sends it."""
    pem = (Path(shop_settings.UNIONPAY_CERT_DIR) / "encryption.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    return EncryptedCard(
        acc_no=_encrypted(number, certificate),
        encrypted_info=_encrypted(f"cvn2={cvc}&expired={expiry}", certificate),
        encrypt_cert_id=str(certificate.serial_number),
        last4=number[-4:],
    )


def _encrypted(text, certificate):
    return base64.b64encode(certificate.public_key().encrypt(text.encode(), PKCS1v15())).decode()


def decided(gateway, purchase, seconds=5):
    """What a query says once the bank has answered."""
    return until(lambda: (outcome := gateway.fetch(purchase), not isinstance(outcome, Unfinished)), seconds)


def until(look, seconds=5):
    """Look until it is true; ``look`` returns (value, is it done)."""
    deadline = time.monotonic() + seconds
    while True:
        value, done = look()
        if done:
            return value
        assert time.monotonic() < deadline, f"still {value!r}"
        time.sleep(0.02)


def notification(path="/shop/notify/", seconds=5):
    """The first message that has arrived there: headers and body."""

    def look():
        found = [(headers, body) for where, headers, body in received if where == path]
        return found[:1], bool(found)

    return until(look, seconds)[0]
