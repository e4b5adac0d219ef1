"""OAuth: a bearer token for the merchant's credentials."""

import base64
import binascii
import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments.sandbox import store
from payments.sandbox.faults import transport
from shop import clock

from . import exchange_log
from .errors import InvalidToken, Refusal

LIFE = 9 * 3600
_SALT = "sandbox.paypal.token"


@csrf_exempt
@require_POST
def issue(request: HttpRequest) -> HttpResponseBase:
    response = transport.through(request, "paypal", "token", list, lambda: _issued(request))
    return exchange_log.recorded(request, response)


def _issued(request: HttpRequest) -> JsonResponse:
    status = _status(request)
    store.log("paypal", "token", references=[], status=status)
    if status == 401:
        error = {"error": "invalid_client", "error_description": "Client Authentication failed"}
        return JsonResponse(error, status=401)
    if status == 400:
        error = {"error": "unsupported_grant_type", "error_description": "Grant Type is NULL"}
        return JsonResponse(error, status=400)
    claims = {"ends": clock.now().timestamp() + LIFE, "nonce": secrets.token_hex(8)}
    return JsonResponse(
        {
            "scope": "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/services/checkout",
            "access_token": signing.dumps(claims, salt=_SALT),
            "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T",
            "expires_in": LIFE,
            "nonce": claims["nonce"],
        }
    )


def problem_of(authorization: str) -> Refusal | InvalidToken | None:
    """What is wrong with the header, unless it carries a token of ours that has not ended.

    Tokens survive a restart.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer" or not token:
        return Refusal(401)
    try:
        claims = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return InvalidToken("Token signature verification failed")
    is_over = claims["ends"] <= clock.now().timestamp()
    return InvalidToken("Access Token not found in cache") if is_over else None


def _status(request: HttpRequest) -> int:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        credentials = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return 401
    expected = f"{settings.PAYPAL_CLIENT_ID}:{settings.PAYPAL_CLIENT_SECRET}"
    if scheme != "Basic" or not constant_time_compare(credentials, expected):
        return 401
    return 200 if request.POST.get("grant_type") == "client_credentials" else 400
