"""The judge over what a running sandbox has written down (``payments/sandbox/paypal/exchange_log.py``)."""

import json
from dataclasses import dataclass, field

import requests
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError
from requests.structures import CaseInsensitiveDict

from .paypal_judge import JudgedSession, fingerprint, judge_exchange_answer, judge_exchange_request

SHOP = "PayPalSDK/"  # how the shop's client introduces itself; tests that knock by hand are not judged


@dataclass
class Verdict:
    judged: int = 0
    spoiled: int = 0  # by a fault on the line, which the test ordered
    violations: list[str] = field(default_factory=list)


def verdict(file):
    """On every exchange between the shop and PayPal in this file; a ``JudgedSession`` has judged its own."""
    result = Verdict()
    for line in file.read_text().splitlines() if file.exists() else ():
        exchange = json.loads(line)
        if not exchange["headers"].get("User-Agent", "").startswith(SHOP):
            continue
        if exchange["fault"]:
            result.spoiled += 1
            continue
        result.judged += 1
        if _fingerprint(exchange) not in JudgedSession.passed and (problem := _problem(exchange)):
            result.violations.append(f"{exchange['method']} {exchange['path']}: {problem}\n{line[:2000]}")
    return result


def _fingerprint(exchange):
    names = ("method", "path", "headers", "body", "status", "answer")
    return fingerprint(*(exchange[name] for name in names))


def _problem(exchange):
    question = RequestsOpenAPIRequest(_request(exchange))
    try:
        judge_exchange_request(question, exchange["headers"])
        judge_exchange_answer(question, RequestsOpenAPIResponse(_response(exchange)))
    except OpenAPIError as error:
        cause = error.__cause__
        return f"{error!r} {getattr(cause, 'schema_errors', cause)}"
    return ""


def _request(exchange):
    return requests.Request(
        exchange["method"],
        f"http://127.0.0.1{exchange['path']}",
        data=exchange["body"].encode() or None,
        headers=exchange["headers"],
    ).prepare()


def _response(exchange):
    made = requests.Response()
    made.status_code, made._content = exchange["status"], exchange["answer"].encode()
    made.headers = CaseInsensitiveDict(exchange["answer_headers"])
    return made
