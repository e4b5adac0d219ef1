"""The gateway's three doors: back transactions, queries, and the front door for the buyer's browser."""

import secrets
from collections.abc import Callable

from django.http import HttpResponse, HttpResponseRedirect
from django.http.request import HttpRequest
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments.gateways.unionpay.wire import Fields
from payments.sandbox import store

from . import cards, notices, pki, transactions
from .cashier import refusal_page
from .envelope import MESSAGES, Refusal, answer, check_time, crlf, opened, refused


@csrf_exempt
@require_POST
def back_transaction(request: HttpRequest) -> HttpResponse:
    return _served(request, {"01": _purchase, "04": _refund, "95": _certificate})


@csrf_exempt
@require_POST
def query(request: HttpRequest) -> HttpResponse:
    return _served(request, {"00": _query})


@csrf_exempt
@require_POST
def front_transaction(request: HttpRequest) -> HttpResponse:
    """The buyer's browser arrives with a signed form and goes on to the cashier's page.

    The very same form again (a double click, a reload) leads to the same page as long as nobody has paid.
    """
    try:
        fields = opened(request.body)
        if (fields["txnType"], fields["bizType"]) != ("01", "000201") or "frontUrl" not in fields:
            raise Refusal("10", "[9100003]Invalid field[bizType]", fields)
        page = _begin_on_page(fields)
    except Refusal as refusal:
        store.log("unionpay", "front", references=[], request_id="", status=refusal.code)
        return refusal_page(request, refusal)
    return HttpResponseRedirect(reverse("unionpay-cashier", args=[page]), status=303)


def _served(request: HttpRequest, doors: dict[str, Callable[[Fields], Fields]]) -> HttpResponse:
    """Every server-to-server exchange goes through here."""
    try:
        fields = opened(request.body)
        if fields["txnType"] not in doors:
            raise Refusal("10", "[9100003]Invalid field[txnType]", fields)
        reply = doors[fields["txnType"]](fields)
    except Refusal as refusal:
        store.log("unionpay", "refused", references=[], request_id="", status=refusal.code)
        return refused(refusal)
    return answer(reply)


def _purchase(fields: Fields) -> Fields:
    for name in ("accNo", "customerInfo", "encryptCertId"):
        if not fields.get(name):
            raise Refusal("10", f"[9100003]Mandatory field[{name}] missed", fields)
    if fields["bizType"] != "000301":
        raise Refusal("32", "无此交易权限[6131010]", fields)
    _check_new(fields)
    card = cards.decrypted(fields)
    code = card.verdict()
    transaction = _begin(fields)
    transactions.decide(transaction, code, last4=card.last4)
    if code == "00":
        notices.announce(transaction)
    notices.log("purchase", transaction, status=code)
    return transactions.acceptance(transaction, code)


def _refund(fields: Fields) -> Fields:
    with store.transaction():
        purchase = transactions.find_by_query_id(fields["origQryId"])
        transaction = _begin(_in_currency_of(purchase, fields))
        code = _refund_verdict(purchase, int(fields["txnAmt"]))
        if purchase and code == "00":
            purchase["refunded"] += int(fields["txnAmt"])
            transactions.save(purchase)
        transactions.decide(transaction, code)
    if code == "00":
        notices.announce(transaction)
    notices.log("refund", transaction, status=code)
    return transactions.acceptance(transaction, code)


def _refund_verdict(purchase: transactions.Transaction | None, amount: int) -> str:
    if purchase is None or purchase["fields"]["txnType"] != "01" or transactions.state(purchase) != "00":
        return "35"
    return "00" if purchase["refunded"] + amount <= int(purchase["fields"]["txnAmt"]) else "36"


def _in_currency_of(purchase: transactions.Transaction | None, fields: Fields) -> Fields:
    """A refund names no currency: it is the purchase's."""
    return fields | {"currencyCode": purchase["fields"]["currencyCode"] if purchase else "344"}


def _certificate(fields: Fields) -> Fields:
    check_time(fields)
    store.log("unionpay", "certificate", references=[], request_id=fields["orderId"], status="00")
    echo = {name: fields[name] for name in fields if name not in {"signature", "certId", "channelType"}}
    pem = crlf(pki.certificate_text("encryption"))
    return echo | {"encryptPubKeyCert": pem, "respCode": "00", "respMsg": MESSAGES["00"]}


def _query(fields: Fields) -> Fields:
    transaction = transactions.find(fields)
    if transaction is None:
        store.log("unionpay", "query", references=[fields["orderId"]], request_id="", status="34")
        echo = {name: fields[name] for name in fields if name not in {"signature", "certId", "channelType"}}
        return echo | {"respCode": "34", "respMsg": MESSAGES["34"]}
    notices.log("query", transaction, status=transactions.state(transaction))
    return transactions.query_result(transaction)


def _check_new(fields: Fields) -> None:
    """Refuse a duplicate first: that may come long after its time."""
    if transactions.find(fields):
        raise Refusal("12", MESSAGES["12"], fields)
    check_time(fields)


def _begin(fields: Fields, **more: object) -> transactions.Transaction:
    _check_new(fields)
    transaction = transactions.begin(fields, **more)
    if transaction is None:
        raise Refusal("12", MESSAGES["12"], fields)
    return transaction


def _begin_on_page(fields: Fields) -> str:
    with store.transaction():
        known = transactions.find(fields)
        if known and not known["code"] and known.get("signature") == fields["signature"]:
            return str(known["page"])
        page = secrets.token_urlsafe(18)
        transaction = _begin(
            fields,
            page=page,
            signature=fields["signature"],
            front_url=fields["frontUrl"],
            fail_url=fields.get("frontFailUrl", ""),
            pay_until=fields.get("payTimeout", ""),
        )
        store.put("unionpay-page", page, {"id": transaction["id"]})
    notices.log("front", transaction, status="05")
    return page
