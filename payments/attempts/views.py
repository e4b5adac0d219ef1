"""The payment page, the ways back from a gateway, and the cancellation of an unpaid order."""

import logging
import re
from urllib.parse import urlsplit

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseRedirect,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from checkout import order_access
from checkout.addresses import formats
from checkout.models import Order
from checkout.services import CodeUsedMeanwhile, NotPayable
from checkout.shipping.rates import TARIFFS
from payments.gateways import get_gateway
from payments.gateways.base import GatewayError, Handoff, Notification
from payments.gateways.unionpay import card_form
from payments.models import Payment
from shop import clock
from shop.devstack.failpoints import failpoint

from . import closing, limits, services, settlement, used_codes
from .explanations import explanation
from .forms import PayForm, holds_card_number
from .telephones import is_telephone

logger = logging.getLogger(__name__)

# Chromium applies form-action to the redirect after a form post, so the gateways' pages are named here.
GATEWAY_ORIGINS = [*settings.PAYPAL_BUYER_ORIGINS, *settings.UNIONPAY_BUYER_ORIGINS]
BACK = "back"  # of a buyer whose return was not asked about yet
_REFERENCE = re.compile(r"[A-Za-z0-9]{8,40}")


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@csp_update({"form-action": GATEWAY_ORIGINS})  # type: ignore[arg-type]
def pay(request: HttpRequest, token: str) -> HttpResponse:
    """The payment page: what is ordered, addresses, total, method."""
    order = get_object_or_404(Order, token=token)
    if order.status != Order.Status.PENDING:
        return redirect(order)
    if request.method == "POST":
        return _pay(request, order)
    payment = order.payments.first()
    if payment and _is_unknown(payment):
        return redirect("payments:progress", token=token)
    if payment:
        reason = explanation(payment)
        if reason:
            messages.error(request, str(reason))
    return _page(request, order, PayForm(initial={"method": _preselected(payment)}))


def _preselected(payment: Payment | None) -> str:
    return payment.gateway if payment else ""


def _is_unknown(payment: Payment) -> bool:
    """Whether money may be on its way: the buyer must not pay again."""
    return payment.status == Payment.Status.CAPTURING


def _page(request: HttpRequest, order: Order, form: PayForm) -> HttpResponse:
    known = order_access.is_granted(request, order)
    lines = list(order.lines.prefetch_related("intakes"))
    context = {
        "order": order,
        "form": form,
        "known": known,
        "goods": [line for line in lines if not line.is_service],
        "services": [line for line in lines if line.is_service],
        "contacts": _contacts(lines) if order_access.is_placed_here(request, order) else [],
        "address_label": formats.label(recipient=order.recipient, region=order.region, address=order.address)
        if known and order.needs_shipping
        else [],
        "tariff": TARIFFS.get(order.shipping_method),
        "card_form": card_form(),
    }
    return render(request, "payments/pay.html", context)


def _contacts(lines: list) -> list[tuple[str, list[tuple[str, str]]]]:  # type: ignore[type-arg]
    """Per service, how to reach the client: only the contact block, never the answers."""
    return [
        (line.name, intake.shown) for line in lines for intake in line.intakes.all() if intake.subject == 0
    ]


def _pay(request: HttpRequest, order: Order) -> HttpResponse:
    if holds_card_number(request.POST):
        logger.error("Payment page: a request with readable card data was refused")
        return HttpResponseBadRequest(_("Card data must not be sent unencrypted. Nothing was charged."))
    form = PayForm(request.POST)
    if not form.is_valid():
        return _page(request, order, form)
    try:
        payment = services.pay(
            order.pk,
            method=form.chosen,
            revision=form.cleaned_data["revision"],
            card=form.card,
            on_phone=is_telephone(request),
            sender=request,
        )
    except services.OrderChanged:
        messages.warning(request, _("Your order has changed. Please look at it once more before you pay."))
        return redirect("payments:pay", token=order.token)
    except limits.TooManyAttempts as reason:
        form.add_error("method", limits.too_many(reason, order, request))
        response = _page(request, order, form)
        response.status_code = 429
        return response
    except services.InProgress:
        return redirect("payments:progress", token=order.token)
    except CodeUsedMeanwhile:
        return redirect(used_codes.go_on(request, order))
    except NotPayable:
        order.refresh_from_db()
        if order.status == Order.Status.PENDING:
            text = _(
                "The time to pay this order is nearly over. Please wait until it has ended, then order again."
            )
            messages.warning(request, text)
        return redirect(order)
    return _next_step(request, payment)


def _next_step(request: HttpRequest, payment: Payment) -> HttpResponse:
    """The response that sends the buyer on, whatever state the attempt is in."""
    order = payment.order
    order.refresh_from_db()
    if order.status != Order.Status.PENDING:
        return redirect(order)
    handoff = services.handoff(payment)
    if handoff and handoff.fields:
        return render(request, "payments/handoff.html", {"order": order, "handoff": handoff})
    if handoff:
        failpoint("before_buyer_redirected")
        return _to_gateway(handoff)
    reason = explanation(payment)
    if reason:
        return redirect("payments:pay", token=order.token)
    return redirect("payments:progress", token=order.token)


def _to_gateway(handoff: Handoff) -> HttpResponse:
    parts = urlsplit(handoff.url)
    if f"{parts.scheme}://{parts.netloc}" not in GATEWAY_ORIGINS:
        raise Http404
    return HttpResponseRedirect(handoff.url, status=303)


@require_safe
def progress(request: HttpRequest, token: str) -> HttpResponse:
    """Show that the outcome is awaited; the page reloads itself until it is known."""
    order = get_object_or_404(Order, token=token)
    payment = order.payments.first()
    if payment is None:
        return redirect("payments:pay", token=token)
    if BACK in request.GET and payment.is_live and not payment.is_claimed:
        return _after_return(request, payment)
    if payment.is_live and payment.next_check_at and payment.next_check_at <= clock.now():
        payment = settlement.settle(payment)
        order.refresh_from_db()
    if order.status != Order.Status.PENDING:
        return redirect(order)
    # Somebody asks the gateway just now: what the attempt says, a decline perhaps, may be over in a moment.
    if _is_unknown(payment) or (payment.is_live and payment.is_claimed):
        return render(request, "payments/progress.html", {"order": order, "payment": payment})
    handoff = services.handoff(payment)
    if handoff and not handoff.fields and not payment.problem:
        return _to_gateway(handoff)
    return redirect("payments:pay", token=token)


@require_safe
def paypal_return(request: HttpRequest, token: str) -> HttpResponse:
    """Settle when the buyer is back from PayPal. Anyone can forge this address, so it only makes us ask."""
    order = get_object_or_404(Order, token=token)
    gateway_id = request.GET.get("token", "")
    if not _REFERENCE.fullmatch(gateway_id):
        return redirect(order)
    payment = order.payments.filter(method=Payment.Method.PAYPAL, gateway_id=gateway_id).first()
    if payment is None:
        return redirect(order)
    return _after_return(request, payment)


def _after_return(request: HttpRequest, payment: Payment) -> HttpResponse:
    """Ask what became of it. While another asks, who may have heard from before, the buyer waits to ask."""
    is_answered = settlement.settle_for_visitor(payment)
    order = payment.order
    order.refresh_from_db()
    if order.status != Order.Status.PENDING:
        return redirect(order)
    if not is_answered and payment.is_live:
        return redirect(f"{reverse('payments:progress', args=[order.token])}?{BACK}=1")
    if _is_unknown(payment) or (payment.is_live and payment.claimed_until):
        return redirect("payments:progress", token=order.token)
    return redirect("payments:pay", token=order.token)


@require_safe
def paypal_cancel(request: HttpRequest, token: str) -> HttpResponse:
    """Lead the buyer who did not pay back to the payment page of the same order."""
    order = get_object_or_404(Order, token=token)
    may_be_taken = order.payments.filter(status=Payment.Status.CAPTURING).exists()
    if order.status == Order.Status.PENDING and not may_be_taken:
        messages.info(request, _("You came back without paying. No money was taken."))
    return redirect("payments:pay", token=token)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unionpay_return(request: HttpRequest) -> HttpResponse:
    """Settle when the browser is back from UnionPay's page: a cross-site POST without session.

    Of a POST only what UnionPay has signed counts, never what stands in its address.
    """
    is_told = request.method == "POST" and bool(request.body)  # before POST reads it: a multipart one is gone
    reference = (request.POST if is_told else request.GET).get("orderId", "")
    if not _REFERENCE.fullmatch(reference):
        return redirect("catalog:home")
    attempts = Payment.objects.select_related("order").filter(method=Payment.Method.UNIONPAY_PAGE)
    payment = attempts.filter(reference=reference).first()
    told = _signed(request) if payment and request.method == "POST" else None
    if payment is None or (request.method == "POST" and (told is None or told.references[0] != reference)):
        return redirect("catalog:home")
    if told and told.code in {"00", "A6"}:
        settlement.mark_capture_expected(payment)
    settlement.settle_for_visitor(payment, is_signed=told is not None)
    if told is None and not order_access.is_granted(request, payment.order):
        return redirect("catalog:home")  # a reference can be guessed, an order's link cannot
    with override(payment.order.language):
        name = "progress" if payment.is_live and payment.order.status == Order.Status.PENDING else "pay"
        return HttpResponseRedirect(reverse(f"payments:{name}", args=[payment.order.token]), status=303)


def _signed(request: HttpRequest) -> Notification | None:
    """What UnionPay tells through the browser; None where it has not signed that."""
    gateway = get_gateway("unionpay")
    try:
        if gateway.verify_notification(request.headers, request.body):
            return gateway.read_notification(request.headers, request.body)
        logger.warning("UnionPay return with a signature that does not hold")
    except GatewayError as error:  # our certificates cannot be read: nothing can be believed
        logger.error("UnionPay return: %s", error.code)
    return None


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_order(request: HttpRequest, token: str) -> HttpResponse:
    """Cancel an unpaid order after asking the gateway. Only for browsers that may see it in full."""
    order = get_object_or_404(Order, token=token)
    if order.status != Order.Status.PENDING or not order_access.is_granted(request, order):
        return redirect(order)
    if request.method != "POST":
        return render(request, "payments/cancel_order.html", {"order": order})
    try:
        closing.cancel_unpaid(order.pk)
    except closing.MayBePaid:
        messages.warning(
            request,
            _("Not cancelled: a payment of this order may be on its way. Please look again in a minute."),
        )
    else:
        messages.success(request, _("The order is cancelled. Nothing is charged."))
    return redirect(order)
