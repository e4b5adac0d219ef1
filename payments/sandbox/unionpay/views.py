"""The gateway's three doors: back transactions, queries, and the front door for the buyer's browser."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import TypeGuard

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.http.request import HttpRequest
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments.gateways.unionpay.wire import Fields
from payments.sandbox import scheduler, store
from payments.sandbox.faults import transport

from . import cards, notifications, pki, sms, transactions
from . import faults as unionpay_faults
from .cashier_views import refusal_page
from .envelope import MESSAGES, Refusal, check_given, check_time, crlf, refusal_answer, verified_fields

Doors = dict[str, Callable[[Fields], Fields]]


@csrf_exempt
@require_POST
def back_transaction(request: HttpRequest) -> HttpResponseBase:
    doors: Doors = {"01": _purchase, "04": _refund, "31": _void, "77": sms.send, "95": _certificate}
    return _served(request, doors)


@csrf_exempt
@require_POST
def query(request: HttpRequest) -> HttpResponseBase:
    return _served(request, {"00": _query})


@csrf_exempt
@require_POST
def front_transaction(request: HttpRequest) -> HttpResponseBase:
    """Take the signed form that the buyer's browser brings, and send it on to the cashier's page.

    The very same form again (a double click, a reload) leads to the same page as long as nobody has paid.
    """
    references = partial(transactions.names, unionpay_faults.unverified_fields(request.body))
    return transport.through(request, "unionpay", "front", references, partial(_arrived, request))


def _arrived(request: HttpRequest) -> HttpResponse:
    try:
        fields = verified_fields(request.body)
        product = (fields["txnType"], fields["bizType"])
        if product != ("01", settings.UNIONPAY_PAGE_BIZ_TYPE) or "frontUrl" not in fields:
            raise Refusal("10", "[9100003]Invalid field[bizType]", fields)
        unionpay_faults.check_front(fields)
        page = _begin_on_page(fields)
    except Refusal as refusal:
        store.log("unionpay", "front", references=[], request_id="", status=refusal.code)
        return refusal_page(request, refusal)
    return HttpResponseRedirect(reverse("unionpay-cashier", args=[page]), status=303)


def _served(request: HttpRequest, doors: dict[str, Callable[[Fields], Fields]]) -> HttpResponseBase:
    """Every server-to-server exchange goes through here."""
    fields = unionpay_faults.unverified_fields(request.body)
    operation = unionpay_faults.OPERATIONS.get(fields.get("txnType", ""), "")
    references = partial(transactions.names, fields)
    return transport.through(request, "unionpay", operation, references, partial(_answered, request, doors))


def _answered(request: HttpRequest, doors: dict[str, Callable[[Fields], Fields]]) -> HttpResponse:
    scheduler.run_due()
    try:
        fields = verified_fields(request.body)
        if fields["txnType"] not in doors:
            raise Refusal("10", "[9100003]Invalid field[txnType]", fields)
        reply = unionpay_faults.answer_unless_fault(fields, doors[fields["txnType"]])
    except Refusal as refusal:
        store.log("unionpay", "refused", references=[], request_id="", status=refusal.code)
        return refusal_answer(refusal)
    return unionpay_faults.signed_answer(fields, reply)


def _purchase(fields: Fields) -> Fields:
    check_given(fields, "accNo", "customerInfo", "encryptCertId")
    if fields["bizType"] != settings.UNIONPAY_CARD_BIZ_TYPE:
        raise Refusal("32", "无此交易权限[6131010]", fields)
    _check_new(fields)
    card = cards.decrypt_card(fields)
    code = sms.verdict(fields, card)
    if code == "00":
        code = card.verdict()
    transaction = _begin(fields)
    later = unionpay_faults.refused_later(transaction) if code == "00" else ""
    transactions.decide(transaction, later or code, last4=card.last4, is_accepted=code == "00")
    if code == "00":
        notifications.announce(transaction)
    notifications.log("purchase", transaction, status=code)
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
        notifications.announce(transaction)
    notifications.log("refund", transaction, status=code)
    return transactions.acceptance(transaction, code)


def _void(fields: Fields) -> Fields:
    """Undo a purchase of this clearing day as if it had never been."""
    with store.transaction():
        purchase = transactions.find_by_query_id(fields["origQryId"])
        transaction = _begin(_in_currency_of(purchase, fields))
        code = _void_verdict(purchase, int(fields["txnAmt"]))
        if purchase and code == "00":
            purchase |= {"refunded": int(fields["txnAmt"]), "voided": True}
            transactions.save(purchase)
        transactions.decide(transaction, code)
    if code == "00":
        notifications.announce(transaction)
    notifications.log("void", transaction, status=code)
    return transactions.acceptance(transaction, code)


def _void_verdict(purchase: transactions.Transaction | None, amount: int) -> str:
    if not _is_paid(purchase):
        return "35"
    if purchase["refunded"]:
        return "45"
    if amount != int(purchase["fields"]["txnAmt"]):
        return "36"
    return "00" if transactions.is_of_this_clearing_day(purchase) else "39"


def _is_paid(purchase: transactions.Transaction | None) -> TypeGuard[transactions.Transaction]:
    return bool(purchase and purchase["fields"]["txnType"] == "01" and transactions.state(purchase) == "00")


def _refund_verdict(purchase: transactions.Transaction | None, amount: int) -> str:
    if not _is_paid(purchase):
        return "35"
    if purchase.get("voided"):
        return "45"
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
    notifications.log("query", transaction, status=transactions.state(transaction))
    return transactions.query_result(transaction)


def _check_new(fields: Fields) -> None:
    """Refuse a duplicate first: that may come long after its time."""
    if transactions.is_used_up(fields):
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
        earlier = transactions.find(fields)
        if earlier and not earlier["code"] and earlier.get("signature") == fields["signature"]:
            return str(earlier["page"])
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
    notifications.log("front", transaction, status="05")
    return page
