"""The sandbox's PayPal and UnionPay behind real ports, the adapters in front of them, and purchases."""

import datetime as dt
import shutil
import time
import uuid
from dataclasses import replace
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import override_settings

from payments.attempts import settlement
from payments.gateways import override
from payments.gateways.base import Address, Item, Purchase
from payments.gateways.paypal import PayPal, exchange
from payments.gateways.paypal import gateway as adapter
from payments.gateways.paypal.client import SafeApi
from payments.gateways.unionpay import UnionPay
from payments.models import Payment
from payments.sandbox.paypal import webhooks
from payments.sandbox.unionpay import pki, transactions
from shop import clock

from .harness import unionpay_sandbox as unionpay_server
from .harness.paypal_sandbox import URLS, received
from .harness.paypal_scenes import awaiting
from .harness.peer import listening
from .harness.sandbox_server import serving


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
def short_pauses(monkeypatch):
    """An unavailable PayPal is asked again without much ado."""
    monkeypatch.setattr(exchange, "PAUSES", [0.02, 0.05])


@pytest.fixture
def make_api(sandbox, settings, short_pauses):
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
    from .harness.paypal_judge import JudgedSession  # takes long to import

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


@pytest.fixture
def peer():
    with listening() as server:
        yield server


@pytest.fixture
def peer_api(peer, short_pauses):
    with requests.Session() as session:
        yield SafeApi(
            peer.base + "/",
            mode="sandbox",
            client_id="CLIENT-ID",
            client_secret="CLIENT-SECRET",
            session=session,
            timeout=(1, 0.5),
        )


@pytest.fixture
def shop(paypal, judged_api, monkeypatch):
    """Whatever of the shop talks to PayPal talks to the stand-in, under the judge's eyes."""
    monkeypatch.setattr(adapter, "default_api", lambda: judged_api)
    return paypal


@pytest.fixture
def spoiled_shop(make_api, monkeypatch):
    """The same without the judge, for exchanges that are spoiled on purpose: its connection."""
    api = make_api(timeout=(1, 1))
    monkeypatch.setattr(adapter, "default_api", lambda: api)
    return api


@pytest.fixture
def payment(shop, approve, db) -> Payment:
    """A captured one that made its order paid."""
    started = awaiting()
    approve(started.approve_url)
    settled = settlement.settle(started)
    assert (settled.status, settled.pays_order) == (Payment.Status.CAPTURED, True)
    return settled


@pytest.fixture
def gateway(paypal, settings):
    """The PayPal adapter, judged, in front of the stand-in."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    with override("paypal", paypal):
        yield paypal


@pytest.fixture(scope="session")
def unionpay_keys(tmp_path_factory):
    """A folder with keys of the sandbox's UnionPay: five RSA keys take long to make."""
    folder = tmp_path_factory.mktemp("unionpay-keys")
    values = {"VAR_DIR": folder, "UNIONPAY_CERT_DIR": folder / "shop", "UNIONPAY_PFX_PASSWORD": "000000"}
    with override_settings(**values, UNIONPAY_MERCHANT_ID="777290058100000"):
        pki.ensure_keys()
    return folder / "sandbox/unionpay"


@pytest.fixture(scope="module")
def unionpay_sandbox(tmp_path_factory, unionpay_keys):
    """The origin of a running sandbox; the shop's settings point at it."""
    folder = tmp_path_factory.mktemp("unionpay")
    shutil.copytree(unionpay_keys, folder / "sandbox/unionpay")

    def settings_at(origin):
        return {
            "SANDBOX_URL": origin,
            "UNIONPAY_MODE": "onsite",
            "UNIONPAY_CERT_DIR": folder / "shop-certificates",
            "UNIONPAY_PFX_PASSWORD": "000000",
            "UNIONPAY_GATEWAY": f"{origin}/unionpay/gateway/api",
            "UNIONPAY_BUYER_ORIGINS": [origin],
            "UNIONPAY_MERCHANT_ID": "777290058100000",
        }

    with (
        pytest.MonkeyPatch.context() as patch,
        serving(unionpay_server.URLS, folder, settings_at, prepare=pki.ensure_keys) as origin,
    ):
        patch.setattr(transactions, "PROCESSING_SECONDS", 0.03)
        yield origin


@pytest.fixture
def unionpay(unionpay_sandbox):
    """The adapter in front of the sandbox's UnionPay, with nothing yet heard from it."""
    unionpay_server.received.clear()
    unionpay_server.status["notify"] = 200
    return UnionPay()


@pytest.fixture
def make_unionpay_purchase(unionpay_sandbox):
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


@pytest.fixture
def sms_contract(settings, unionpay_sandbox):
    """The shop may have codes sent by text message."""
    settings.UNIONPAY_SMS = True
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
