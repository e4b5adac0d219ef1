"""What we hold about an order, for its client: to have a copy of it, or to have it erased."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from checkout import order_access
from checkout.models import Order, PrivacyRequest
from checkout.orders.mailed_link import InvalidLink
from checkout.signals import lines_left_out
from shop.web import error_pages
from shop.web.large_answers import COPIES, few_at_once
from shop.web.rate_limit import RateLimit

from . import erasure, export
from . import requests as privacy_requests

Kind = PrivacyRequest.Kind
PER_ORDER = RateLimit("privacy-request", limit=3, minutes=60)  # and kind: a link is good for longer
PER_LINK = RateLimit("privacy-copy", limit=3, minutes=60)  # the first, and two where it broke off


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def privacy_page(request: HttpRequest, token: str) -> HttpResponse:
    """Takes the request; nothing happens before the link mailed to the order's address confirms it."""
    order = get_object_or_404(Order, token=token)
    if not order_access.is_granted(request, order) or order.erased_at:
        return redirect(order)
    if request.method == "POST" and request.POST.get("kind") in Kind.values:
        return _create_request(request, order, Kind(request.POST["kind"]))
    context = {"order": order, "obstacles": erasure.obstacles(order), "waiting": _waiting(order)}
    return render(request, "checkout/privacy.html", context)


def _waiting(order: Order) -> PrivacyRequest | None:
    """An erasure that was confirmed, and is not done."""
    return order.privacy_requests.filter(confirmed_at__isnull=False, done_at=None).first()


def _create_request(request: HttpRequest, order: Order, kind: PrivacyRequest.Kind) -> HttpResponse:
    if order.mailbox_doubted_at:
        text = _("No link can be sent for this order at present. Please contact customer service.")
        messages.warning(request, text)
    elif PER_ORDER.take(f"{order.number} {kind}"):
        privacy_requests.create_request(order, kind)
        text = _("We are sending a link to the e-mail address of the order. It is good for 24 hours.")
        messages.success(request, text)
    else:
        text = _("Several links were sent already. Please look into your mailbox, or try again in an hour.")
        messages.warning(request, text)
    return redirect("checkout:privacy", token=order.token)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_link(request: HttpRequest, token: str) -> HttpResponseBase:
    """The page behind the mailed link. A GET does nothing: programs that read mail open links too."""
    try:
        privacy_request = privacy_requests.read_link(token)
    except InvalidLink:
        return _link_over(request)
    context: dict[str, Any] = {"order": privacy_request.order, "asked": privacy_request}
    if not order_access.is_granted(request, privacy_request.order):
        return render(request, "checkout/privacy_elsewhere.html", context, status=403)
    if privacy_request.kind == Kind.ERASURE:
        return _erasure(request, privacy_request)
    if request.method != "POST":
        context["left_out"] = lines_left_out(privacy_request.order)[1]
        return render(request, "checkout/privacy_export.html", context)
    return _copy(request, privacy_request)


@few_at_once(COPIES)
def _copy(request: HttpRequest, privacy_request: PrivacyRequest) -> HttpResponseBase:
    order = privacy_request.order
    with PER_LINK.taken(str(privacy_request.pk)) as hits:
        if not hits:
            title = _("This copy was asked for several times")
            why = _(
                "A link is good for three copies in an hour. If it is over by then, please ask for a new one"
                " on the page of the order."
            )
            return error_pages.too_many(request, PER_LINK, key=str(privacy_request.pk), title=title, why=why)
        privacy_requests.mark_used(privacy_request)
        name = content_disposition_header(as_attachment=True, filename=f"order-{order.number}.zip")
        return StreamingHttpResponse(
            export.bundle(order),
            content_type="application/zip",
            headers={"Content-Disposition": name or ""},
        )


def _link_over(request: HttpRequest) -> HttpResponse:
    return render(request, "checkout/link_over.html", {"is_about_privacy": True}, status=410)


def _erasure(request: HttpRequest, privacy_request: PrivacyRequest) -> HttpResponse:
    """Two confirmations: the button on the first page, then a ticked box and the button on the second."""
    order = privacy_request.order
    context = {"order": order, "asked": privacy_request, "obstacles": erasure.obstacles(order)}
    if privacy_request.confirmed_at:
        return render(request, "checkout/privacy_confirmed.html", context)
    if request.method != "POST":
        return render(request, "checkout/privacy_erasure.html", context)
    if request.POST.get("step") != "2":
        return render(request, "checkout/privacy_erasure_sure.html", context)
    if request.POST.get("sure") != "on":
        return render(request, "checkout/privacy_erasure_sure.html", context | {"is_unticked": True})
    privacy_requests.mark_used(privacy_request)
    try:
        erasure.confirm(privacy_request)
    except InvalidLink:  # the order's mailbox has changed since this page was asked for
        return _link_over(request)
    return redirect(request.path)
