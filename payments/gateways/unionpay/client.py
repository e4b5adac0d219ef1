"""One signed question, one verified answer."""

import logging
import time

import requests
from django.conf import settings

from shop import clock
from shop.background import outbound, peers
from shop.background.lines import Busy, line
from shop.database import assert_no_transaction

from ..base import GatewayBusy, GatewayError, Misconfigured
from . import certificates, codes
from .crypto import UnknownSigner, Untrusted
from .wire import MAX_BYTES, Fields, NotAMessage, detail_code, form_encoded, parse_answer

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 2
READ_SECONDS = 6  # between two bytes; an answer as a whole gets twice this
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}


def ask(endpoint: str, fields: Fields) -> Fields:
    """Sign and send a request; return the answer once it is proven to be UnionPay's answer to *this* request.

    Raises GatewayError whenever nothing certain was learned, Misconfigured when our own files are at fault.
    """
    assert_no_transaction()
    signed = certificates.merchant_key().signed(fields)
    trust = certificates.trust()
    started = time.monotonic()
    try:
        with line(peers.UNIONPAY):
            body = _post(f"{settings.UNIONPAY_GATEWAY}/{endpoint}", form_encoded(signed))
        answer = parse_answer(body)
        if not answer.get("respCode"):
            raise NotAMessage("no respCode")
        trust.verify(answer, clock.now())
        if any(answer.get(name) != fields[name] for name in ("orderId", "txnTime")):
            raise Untrusted("answer to another request")
    except Busy:
        raise GatewayBusy from None
    except NotAMessage as error:
        raise _failure(fields, "not-a-message") from error
    except Untrusted as error:
        logger.error("UnionPay %s: answer cannot be trusted (%s)", fields["orderId"], error)
        if isinstance(error, UnknownSigner):  # nothing cures that but other files in UNIONPAY_CERT_DIR
            raise Misconfigured("untrusted") from error
        raise _failure(fields, "untrusted") from error
    except requests.Timeout as error:
        raise _failure(fields, "timeout") from error
    except requests.RequestException as error:
        raise _failure(fields, "unreachable") from error
    _log(fields, answer, time.monotonic() - started)
    return answer


def _post(url: str, body: bytes) -> bytes:
    outbound.require(requests.ConnectionError)
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no password file of this machine
        with session.post(
            url,
            data=body,
            headers=_HEADERS,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code != 200:
                raise NotAMessage("status")
            return _read(response)


def _read(response: requests.Response) -> bytes:
    deadline = time.monotonic() + 2 * READ_SECONDS
    body = b""
    for chunk in response.iter_content(8192):
        body += chunk
        if len(body) > MAX_BYTES:
            raise NotAMessage("too long")
        if time.monotonic() > deadline:
            raise requests.Timeout
    return body


def _failure(fields: Fields, code: str) -> GatewayError:
    logger.warning("UnionPay %s type %s: %s", fields["orderId"], fields["txnType"], code)
    return GatewayError(code)


def _log(fields: Fields, answer: Fields, seconds: float) -> None:
    """References and codes only: answers carry card data that we never look at."""
    code, original = answer["respCode"], answer.get("origRespCode", "")
    worst = logging.ERROR if {code, original} & codes.FOR_STAFF else logging.INFO
    if not all(codes.is_known(c) for c in (code, original or code)):
        worst = logging.ERROR
    logger.log(
        worst,
        "UnionPay %s type %s: %s [%s] %s in %d ms",
        fields["orderId"],
        fields["txnType"],
        code,
        detail_code(answer.get("origRespMsg") or answer.get("respMsg", "")),
        original,
        seconds * 1000,
    )
