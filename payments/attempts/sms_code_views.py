"""The code that the bank sends to the buyer's telephone, entered on the payment page itself.

The page's script posts the same encrypted card twice, first to have the code sent, then with the code.
Nothing of it is kept here. Both answer in JSON: ``{"sent": true, "resend_after": n}``, ``{"go": …}``, or
``{"error": sentence, "field": "number" | "expiry" | "cvc" | "phone" | "code"}`` with, where it applies,
``"expired": true`` (the code is worth nothing any more), ``"sent"`` and ``"resend_after"``.
"""

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from checkout.models import Order
from checkout.services import CodeUsedMeanwhile, NotPayable
from payments.gateways.unionpay import codes
from payments.models import Payment
from payments.models.payment import WRONG_CODE
from shop import clock

from . import limits, used_codes
from . import services as attempts
from .explanations import explanation
from .forms import CardForm, PayForm, holds_card_number
from .telephones import is_telephone

logger = logging.getLogger(__name__)

Status = Payment.Status

RESEND_AFTER = 60  # seconds; UnionPay refuses before that

_FIELDS = {"61": "number", "62": "number", "65": "cvc", "66": "phone", "69": "code", "73": "expiry"}


@require_POST
@sensitive_post_parameters()
def send(request: HttpRequest, token: str) -> JsonResponse:
    """Have a code sent. Takes no money."""
    order = _order(token)
    form = CardForm(request.POST)
    if problem := _problem_of(request, form):
        return problem
    revision, card = form.cleaned_data["revision"], form.card
    try:
        payment = attempts.request_code(
            order.pk,
            revision=revision,
            card=card,  # type: ignore[arg-type]
            on_phone=is_telephone(request),
            sender=request,
        )
    except limits.TooManyAttempts as reason:
        return _error(limits.too_many(reason, order, request), field="code", status=429)
    except (attempts.OrderChanged, attempts.InProgress, NotPayable) as reason:
        return _redirect_after(request, order, reason)
    return _after_sending(order, payment)


@require_POST
@sensitive_post_parameters()
def pay(request: HttpRequest, token: str) -> JsonResponse:
    """Pay with the card and the code. After a wrong code the page still has the card and asks again."""
    order = _order(token)
    form = PayForm(request.POST)
    if problem := _problem_of(request, form):
        return problem
    if form.chosen != Payment.Method.UNIONPAY_CARD:
        return _go("pay", order)
    if response := _unless_code_is_awaited(order):
        return response
    revision = form.cleaned_data["revision"]
    try:
        payment = attempts.pay(
            order.pk,
            method=form.chosen,
            revision=revision,
            card=form.card,
            on_phone=is_telephone(request),
            sender=request,
        )
    except limits.TooManyAttempts as reason:
        return _error(limits.too_many(reason, order, request), field="code", status=429)
    except (attempts.OrderChanged, attempts.InProgress, NotPayable) as reason:
        return _redirect_after(request, order, reason)
    return _after_paying(order, payment)


def _order(token: str) -> Order:
    if not settings.UNIONPAY_SMS:
        raise Http404
    return get_object_or_404(Order, token=token)


def _problem_of(request: HttpRequest, form: Form) -> JsonResponse | None:
    """The response to a request that is invalid; None for a valid one."""
    if holds_card_number(request.POST):
        logger.error("Text message: a request with readable card data was refused")
        return _error(_("Card data must not be sent unencrypted. Nothing was charged."), field="number")
    if form.is_valid():
        return None
    code = form.errors.get("sms_code")
    if code:
        return _error(str(code[0]), field="code")
    return _error(str(next(iter(form.errors.values()))[0]), field="number")


def _after_sending(order: Order, payment: Payment) -> JsonResponse:
    sent = payment.status == Status.AWAITING
    if sent and not payment.problem:
        return JsonResponse({"sent": True, "resend_after": RESEND_AFTER})
    if payment.problem == codes.TOO_OFTEN:
        text = _(
            "A code was sent a moment ago. Please enter that one, or wait a minute and ask for a new one."
        )
        return _error(text, field="code", status=429, sent=sent, resend_after=RESEND_AFTER)
    if payment.status == Status.DECLINED:
        return _declined(payment)
    if sent:
        text = _(
            "No new code could be sent at the moment. No money was taken. "
            "Please enter the code that you have, or try again in a moment."
        )
        return _error(text, status=503)
    if payment.status == Status.CREATED:
        return _error(explanation(payment) or _("A code is being sent. Please wait a moment."), status=503)
    return _go_on(order)


def _after_paying(order: Order, payment: Payment) -> JsonResponse:
    if payment.status == Status.AWAITING and payment.problem == WRONG_CODE:
        return _error(explanation(payment), field="code")
    if payment.status == Status.DECLINED and payment.problem == codes.TOO_LATE:
        return _declined(payment, expired=True)
    if payment.status == Status.DECLINED:
        return _go("pay", order)  # which says why; the card is entered anew
    return _go_on(order)


def _unless_code_is_awaited(order: Order) -> JsonResponse | None:
    """The response where no attempt waits for a code: the bank would only refuse the card."""
    order.refresh_from_db()
    live = order.payments.live().first()
    if order.status != Order.Status.PENDING or (live and live.status == Status.CAPTURING):
        return _go_on(order)
    is_awaited = live and live.method == Payment.Method.UNIONPAY_CARD and live.status == Status.AWAITING
    if live and is_awaited and clock.now() <= live.pay_until:
        return None
    text = _("The time for the code has run out. No money was taken. Please have a new code sent.")
    return _error(text, field="code", status=409, expired=True)


def _declined(payment: Payment, **more: Any) -> JsonResponse:
    return _error(explanation(payment), field=_FIELDS.get(payment.problem, ""), **more)


def _redirect_after(request: HttpRequest, order: Order, reason: Exception) -> JsonResponse:
    if isinstance(reason, attempts.OrderChanged):
        messages.warning(request, _("Your order has changed. Please look at it once more before you pay."))
        return _go("pay", order)
    if isinstance(reason, CodeUsedMeanwhile):
        return JsonResponse({"go": used_codes.go_on(request, order)})
    return _go_on(order)


def _go_on(order: Order) -> JsonResponse:
    """Send the browser to the page that shows the outcome."""
    order.refresh_from_db()
    if order.status != Order.Status.PENDING:
        return JsonResponse({"go": order.get_absolute_url()})
    return _go("progress", order)


def _go(name: str, order: Order) -> JsonResponse:
    return JsonResponse({"go": reverse(f"payments:{name}", args=[order.token])})


def _error(text: str | Promise | None, *, field: str = "", status: int = 400, **more: Any) -> JsonResponse:
    return JsonResponse({"error": str(text), "field": field} | more, status=status)
