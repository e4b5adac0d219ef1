"""The sandbox's UnionPay behind a real port, a shop's ear for its notifications, and cards to send it."""

import base64
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from django.conf import settings as shop_settings
from django.http import Http404, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve

from payments.gateways.base import EncryptedCard, Unfinished
from payments.sandbox.unionpay import envelope
from payments.sandbox.unionpay import urls as unionpay_urls

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


URLS = (
    path("unionpay/", include(unionpay_urls.urlpatterns)),
    path("shop/notify/", notify),
    path("shop/return/", front),
    path("shop/cancel/", front),
    path("static/<path:name>", static),
)


def encrypted_card(number=CARD, *, expiry="3312", cvc="123", phone="", sms_code=""):
    """A card as the page sends it."""
    secrets = f"cvn2={cvc}&expired={expiry}" + (f"&phoneNo={phone}" if phone else "")
    pem = (Path(shop_settings.UNIONPAY_CERT_DIR) / "encryption.pem").read_bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    return EncryptedCard(
        acc_no=_encrypted(number, certificate),
        encrypted_info=_encrypted(secrets, certificate),
        encrypt_cert_id=str(certificate.serial_number),
        last4=number[-4:],
        sms_code=sms_code,
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
        messages = [(headers, body) for where, headers, body in received if where == path]
        return messages[:1], bool(messages)

    return until(look, seconds)[0]


def notifications_about(purchase):
    """The notifications about it that arrived."""
    return [one for one in list(received) if purchase.reference.encode() in one[2]]


def fake_answers(monkeypatch, change):
    """Let the sandbox sign other answers: ``change`` gets the fields and returns the new ones."""
    original = envelope.signed_fields
    monkeypatch.setattr(envelope, "signed_fields", lambda fields: original(change(dict(fields))))


def refusal(code, fields):
    return envelope.Refusal(code, "系统忙[0000006]", fields)
