"""The buyer's page: the merchant's order, the card, pay or cancel, and the way back to the shop."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from payments.sandbox import store
from shop import clock

from . import faults as unionpay_faults
from . import notifications, transactions
from .cards import CARDS, Card
from .envelope import Refusal, parsed_time, signed_fields
from .forms import CashierForm
from .transactions import Transaction


@csrf_exempt
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def cashier(request: HttpRequest, page: str) -> HttpResponse:
    """Pay one order. After a payment the page leads back to the shop, however often it is loaded."""
    transaction = _on_page(page)
    with translation.override(_language(request)):
        if transaction is None:
            return _page(request, "closed.html", {"title": _("This payment does not exist")}, status=404)
        if transaction["code"]:
            return _way_back(request, transaction)
        if _is_late(transaction):
            context = _order(transaction) | {"title": _("The time to pay has passed")}
            return _page(request, "closed.html", context, status=410)
        form = CashierForm(request.POST if request.method == "POST" else None)
        problem = ""
        if request.method == "POST" and form.is_valid():
            problem = _pay(transaction, form.card)
            if not problem:
                return HttpResponseRedirect(request.get_full_path(), status=303)
        context = _order(transaction) | {"form": form, "problem": problem, "cards": _shown_cards()}
        return _page(request, "cashier.html", context, shop=transaction["front_url"])


@csrf_exempt
@require_POST
def cancel(request: HttpRequest, page: str) -> HttpResponse:
    """Send the buyer back by a bare GET. The order stays unpaid; UnionPay tells the shop nothing of it."""
    transaction = _on_page(page)
    if transaction is None:
        return HttpResponse(status=404)
    notifications.log("cancel", transaction, status="05")
    return HttpResponseRedirect(transaction["fail_url"] or transaction["front_url"], status=303)


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Say why the order cannot even be shown: the code and the gateway's words, for the shop's developers."""
    with translation.override(_language(request)):
        context = {
            "title": _("UnionPay did not accept this order"),
            "code": refusal.code,
            "message": refusal.message,
        }
        return _page(request, "closed.html", context, status=400)


def _on_page(page: str) -> Transaction | None:
    pointer = store.get("unionpay-page", page)
    return store.get("unionpay", pointer["id"]) if pointer else None


def _is_late(transaction: Transaction) -> bool:
    pay_until = parsed_time(transaction["pay_until"])
    return pay_until is not None and clock.now() > pay_until


def _pay(transaction: Transaction, card: Card) -> str:
    """Take the money unless someone has already. Returns what to tell the buyer, empty when paid.

    A card that fails leaves the order unpaid: the buyer may try another one, and the shop hears nothing.
    """
    code = card.verdict()
    if code == "00":
        with store.transaction():
            transaction = store.get("unionpay", transaction["id"]) or transaction
            if not transaction["code"]:
                transactions.decide(transaction, code, last4=card.last4, at_once=True)
                unionpay_faults.apply_faults(transaction, "front")
                notifications.announce(transaction)
    notifications.log("pay", transaction, status=code)
    return {
        "00": "",
        "61": _("This card number is not known. Please use one of the test cards."),
        "65": _("Expiration date or CVC is wrong. No money was taken."),
        "73": _("This card has expired. Please use another card."),
    }[code]


def _way_back(request: HttpRequest, transaction: Transaction) -> HttpResponse:
    fields = signed_fields(transactions.notice(transaction, text="success"))
    context = _order(transaction) | {"url": transaction["front_url"], "fields": fields}
    return _page(request, "paid.html", context, shop=transaction["front_url"])


def _order(transaction: Transaction) -> dict[str, Any]:
    amount, currency = transactions.amount(transaction)
    return {
        "order_id": transaction["fields"]["orderId"],
        "merchant": transaction["fields"]["merId"],
        "amount": amount,
        "currency": currency,
        "page": transaction["page"],
        "back": transaction["fail_url"] or transaction["front_url"],
    }


def _shown_cards() -> list[str]:
    shown = sorted(card for card in CARDS if card.startswith("6250"))[:2]
    return [" ".join(card[i : i + 4] for i in range(0, len(card), 4)) for card in shown]


def _language(request: HttpRequest) -> str:
    chosen = request.GET.get("lang", "")
    if chosen in {"zh-hant", "en"}:
        return chosen
    return "zh-hant" if request.headers.get("Accept-Language", "zh").startswith("zh") else "en"


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200, shop: str = ""
) -> HttpResponse:
    """Under a strict policy. ``form-action`` holds for redirects after a form too, so it lists the shop."""
    parts = urlsplit(shop)
    origin = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    language = translation.get_language()
    context |= {
        "html_language": "zh-Hant" if language == "zh-hant" else "en",
        "language": language,
        "has_own_address": request.method in {"GET", "HEAD"} or "form" in context,
    }
    response = HttpResponse(render_to_string(f"sandbox/unionpay/{template}", context), status=status)
    response["Content-Security-Policy"] = (
        f"default-src 'self'; form-action 'self'{origin}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response
