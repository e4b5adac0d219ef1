"""The buyer's pages: log in, pay by card without an account, or open an account; then back to the shop.

No session: who has logged in is a signature in the address.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from payments.sandbox import store

from . import webhooks
from .documents import Document, is_expired, keep, new_account_id, now, show_order
from .forms import CardForm, FundingForm, LogInForm, NewAccountForm, SandboxForm
from .summary import summary

_SALT = "sandbox.paypal.buyer"
_FORMS: dict[str, type[SandboxForm]] = {
    "login": LogInForm,
    "new": NewAccountForm,
    "card": CardForm,
    "choose": FundingForm,
}


class SeeOther(HttpResponseRedirect):
    status_code = 303


@csrf_exempt
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    """``?token=<order>``, with ``way`` naming the page: login, new, card, choose or cancel."""
    order = store.get("paypal-order", request.GET.get("token", ""))
    with translation.override(_language(request, order)):
        if order is None:
            return _page("closed.html", {"title": _("This payment does not exist")}, status=404)
        experience = order["experience"]
        if order["status"] == "COMPLETED":
            title, back = _("This payment has been made"), _back(order, experience.get("return_url", ""))
            return _page("closed.html", {"title": title, "back": back, **summary(order)})
        if is_expired(order):
            title, back = _("This payment has expired"), experience.get("cancel_url", "")
            return _page("closed.html", {"title": title, "back": back, **summary(order)}, status=410)
        way = request.GET.get("way", "")
        if way == "cancel":
            _log("cancel", order)
            return SeeOther(_with(experience.get("cancel_url", ""), token=order["id"]))
        if way not in _FORMS:
            way = "card" if experience.get("landing_page") == "GUEST_CHECKOUT" else "login"
        if way == "choose" and not _has_logged_in(request, order):
            return SeeOther(_links(request, order)("login"))
        return _answer(request, order, way)


def _answer(request: HttpRequest, order: Document, way: str) -> HttpResponse:
    link = _links(request, order)
    form = _FORMS[way](request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if way in {"login", "new"}:
            return SeeOther(link("choose", buyer=signing.dumps(order["id"], salt=_SALT)))
        declined = form.cleaned_data.get("is_declined") or form.cleaned_data.get("funding") == "declined"
        approved = _approve(order["id"], "declined" if declined else way)
        return SeeOther(_back(approved, approved["experience"].get("return_url", "")))
    context = {
        "form": form,
        "way": way,
        "links": {name: link(name) for name in ("login", "new", "card", "cancel")},
        "languages": [
            (code, name, f"{request.get_full_path().partition('?')[0]}?{_query(request, lang=code)}")
            for code, name in (("zh-hant", "繁體中文"), ("en", "English"))
        ],
        "pays_now": order["experience"].get("user_action") == "PAY_NOW",
        "was_declined": order["declines"] > 0,
        **summary(order),
    }
    return _page(f"{way}.html", context, form_target=order["experience"].get("return_url", ""))


def _approve(order_id: str, funding: str) -> Document:
    """The buyer has agreed. A second click changes nothing but the funding."""
    with store.transaction():
        order = store.get("paypal-order", order_id) or {}
        if order["status"] == "COMPLETED":
            return order
        is_new = order["status"] != "APPROVED" or order.get("is_declined", False)
        order |= {"status": "APPROVED", "funding": funding, "is_declined": False}
        order.setdefault("payer_id", new_account_id())
        if is_new:
            order["approved_at"] = now()
        keep("order", order)
        if is_new:
            webhooks.announce("CHECKOUT.ORDER.APPROVED", "checkout-order", show_order(order))
    _log("approve", order)
    return order


def _has_logged_in(request: HttpRequest, order: Document) -> bool:
    try:
        return bool(signing.loads(request.GET.get("buyer", ""), salt=_SALT) == order["id"])
    except signing.BadSignature:
        return False


def _language(request: HttpRequest, order: Document | None) -> str:
    """The reader's choice, else the locale the shop asked for, else the browser's."""
    chosen = request.GET.get("lang", "")
    if chosen in {"zh-hant", "en"}:
        return chosen
    locale = (order or {"experience": {}})["experience"].get("locale", "")
    language = locale or request.headers.get("Accept-Language", "")
    return "zh-hant" if language.startswith("zh") else "en"


def _links(request: HttpRequest, order: Document) -> Callable[..., str]:
    def link(way: str, **more: str) -> str:
        lang = {"lang": request.GET["lang"]} if request.GET.get("lang") in {"zh-hant", "en"} else {}
        return "?" + urlencode({"token": order["id"], "way": way, **lang, **more})

    return link


def _query(request: HttpRequest, **changed: str) -> str:
    parameters = {name: request.GET[name] for name in ("token", "way", "buyer") if name in request.GET}
    return urlencode({**parameters, **changed})


def _back(order: Document, url: str) -> str:
    return _with(url, token=order["id"], PayerID=order.get("payer_id", ""))


def _with(url: str, **parameters: str) -> str:
    """The address with more parameters; what it had already stays."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode(parameters)]))
    return urlunsplit(parts._replace(query=query))


def _page(
    template: str, context: dict[str, Any], *, status: int = 200, form_target: str = ""
) -> HttpResponse:
    """Under a strict policy. ``form-action`` holds for redirects after a form too, so it lists the shop."""
    parts = urlsplit(form_target)
    shop = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    language = "zh-Hant" if translation.get_language() == "zh-hant" else "en"
    response = HttpResponse(
        render_to_string(f"sandbox/paypal/{template}", {"html_language": language, **context}), status=status
    )
    response["Content-Security-Policy"] = (
        f"default-src 'self'; form-action 'self'{shop}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _log(kind: str, order: Document) -> None:
    unit = order["unit"]
    store.log(
        "paypal",
        kind,
        references=[unit["custom_id"]] if "custom_id" in unit else [],
        order_id=order["id"],
        amount=unit["amount"]["value"],
        currency=unit["amount"]["currency_code"],
        way=order.get("funding", ""),
        request_id="",
        status=303,
    )
