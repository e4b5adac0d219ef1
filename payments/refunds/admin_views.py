"""Admin pages for refunds: form, preview, confirm.

Confirm submits the digest of the plan that the preview showed, and is refused if the plan has changed.
"""

import functools
import re
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from checkout.models import Order
from checkout.stock import OutOfStock
from payments.models import Payment, Refund
from shop.audit import approvals
from shop.l10n import money
from shop.web.asks_again import asks_again
from shop.web.once import safe_to_repeat

from . import explanations, four_eyes
from . import services as refunds
from .forms import ReasonForm, RefundForm, form_values
from .plan import (
    DisputeOpen,
    NothingChosen,
    NothingToRefund,
    PlanChanged,
    RefundPlan,
    TooMuch,
    explanation_digest,
    is_explained,
    plan_explanation,
    plan_refund,
    refundable_of,
    refundable_of_gateway_refund,
)
from .summaries import note_of

KEY = re.compile(r"[0-9a-f]{32}")
REFUSALS = (NothingToRefund, NothingChosen, TooMuch, DisputeOpen, PlanChanged)


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Below the refunds of the admin."""
    pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
        ("order/<int:order_id>/", refund_order, "payments_refund_order"),
        ("payment/<int:payment_id>/", return_payment, "payments_return_payment"),
        ("<int:refund_id>/explain/", explain, "payments_refund_explain"),
        ("<int:refund_id>/retry/", retry, "payments_refund_retry"),
    ]
    once = safe_to_repeat("a refund is found again by the key of its preview")
    return [
        path(route, site.admin_view(asks_again(once(functools.partial(_guarded, view, site)))), name=name)
        for route, view, name in pages
    ]


def _guarded(
    view: Callable[..., HttpResponse], site: admin.AdminSite, request: HttpRequest, **ids: int
) -> HttpResponse:
    if not may_refund(request):
        raise PermissionDenied
    try:
        return view(request, site=site, **ids)
    except (NothingToRefund, DisputeOpen) as error:  # it came in between, while the form was judged
        refund = Refund.objects.filter(key=_key(request) or None).first()
        if refund:  # a second click
            return _requested(request, refund.payment.order, refund)
        return _no_refund(request, site, _order_of(**ids), error)


def _order_of(*, order_id: int | None = None, **money: int) -> Order:
    by_money = {"payment_id": "payments", "refund_id": "payments__refunds"}
    if order_id is not None:
        return Order.objects.get(pk=order_id)
    return Order.objects.get(**{by_money[name]: pk for name, pk in money.items()})


def may_refund(request: HttpRequest) -> bool:
    return cast("User", request.user).has_perm("payments.add_refund")


# --- an order's money ---


@require_http_methods(["GET", "HEAD", "POST"])
def refund_order(request: HttpRequest, *, site: admin.AdminSite, order_id: int) -> HttpResponse:
    """The page behind "Refund" of an order."""
    order = get_object_or_404(Order, pk=order_id)
    done = Refund.objects.filter(key=_key(request), payment__order=order).first()
    if done:  # a second click
        return _requested(request, order, done)
    try:
        left = refundable_of(order)
        if order.is_disputed:
            raise DisputeOpen(order.number)
    except (NothingToRefund, DisputeOpen) as error:
        return _no_refund(request, site, order, error)
    page = _Page(request, site, order, title=_("Refund order %(number)s") % {"number": order.number})
    filled_in = request.GET.dict()  # a request to cancel was accepted: what it asked for
    form = page.form(RefundForm, left=left, plan_of=functools.partial(plan_refund, order), initial=filled_in)
    if request.POST.get("action") == "everything":
        data = form_values(left.everything()) | {"reason": request.POST.get("reason", "")}
        form = RefundForm(data, left=left, plan_of=functools.partial(plan_refund, order))
    if not form.is_valid() or not page.is_agreed:
        return page.show(form)
    try:
        refund = refunds.request_refund(
            order.pk,
            form.refund_request(),
            key=_key(request),
            actor=_name(request),
            reason=form.cleaned_data["reason"],
            seen=_seen(request),
        )
    except REFUSALS:
        return page.changed(refund_order, order_id=order_id)
    except four_eyes.NeedsSecondPerson as needed:
        how: dict[str, Any] = {"way": "order", "chosen": four_eyes.stored(form.refund_request())}
        how |= {"lines": _lines(form.plan), "closes": [line.name for line in form.plan.closes]}
        how |= {"goods": _goods(form.plan)}
        return _asked(request, needed, key=_key(request), form=form, **how)
    return _requested(request, order, refund)


def _asked(
    request: HttpRequest, needed: four_eyes.NeedsSecondPerson, *, form: ReasonForm | None = None, **how: Any
) -> HttpResponse:
    """Nothing is refunded: a colleague is asked."""
    reason = form.cleaned_data["reason"] if form else ""
    wish = four_eyes.ask(needed, actor=_name(request), reason=reason, seen=_seen(request), **how)
    text = _("Nothing was refunded yet: an amount like this needs a second person, who was told.")
    messages.info(request, text)
    return HttpResponseRedirect(reverse("admin:shop_approvalrequest_change", args=[wish.pk]))


def _lines(plan: RefundPlan) -> list[tuple[str, str]]:
    """What of the order would be refunded, for the second person."""
    return [
        (f"{each.line.name} × {each.quantity}", money.formatted(each.amount, plan.currency))
        for each in plan.lines
    ]


def _goods(plan: RefundPlan) -> list[tuple[str, int, int | None]]:
    """Of each line the pieces that are not shipped any more, and those that can be sold again, if any can."""
    return [
        (each.line.name, each.withdrawn, each.restocked if each.line.variant.tracks_stock else None)
        for each in plan.lines
        if each.quantity and each.line.ships
    ]


def _requested(request: HttpRequest, order: Order, refund: Refund) -> HttpResponse:
    amount = money.formatted(refund.amount, refund.payment.captured_currency)
    text = _("The refund of %(amount)s is on its way. The customer is told once the money has gone back.")
    messages.success(request, text % {"amount": amount})
    return _to_order(order)


def _no_refund(request: HttpRequest, site: admin.AdminSite, order: Order, error: Exception) -> HttpResponse:
    """Why there is nothing to do here, and whether there is money of the order elsewhere."""
    unused = [payment for payment in order.payments.all() if payment.is_unused]
    if not unused:
        messages.warning(request, _why(error))
        return _to_order(order)
    context = {"why": _why(error), "unused": [(payment, _shown_rest(payment)) for payment in unused]}
    page = _Page(request, site, order, title=_("Refund order %(number)s") % {"number": order.number})
    return page.render("nothing.html", context)


def _shown_rest(payment: Payment) -> str:
    return money.formatted(payment.refundable_amount, payment.captured_currency)


def _why(error: Exception) -> str:
    if isinstance(error, DisputeOpen):
        return _(
            "While the complaint about this payment is open at the gateway, nothing can be refunded here."
        )
    return _("There is no money of this order left to refund.")


# --- money that pays no order ---


@require_http_methods(["GET", "HEAD", "POST"])
def return_payment(request: HttpRequest, *, site: admin.AdminSite, payment_id: int) -> HttpResponse:
    """The page behind "Give it back": all of a payment that pays no order."""
    payment = get_object_or_404(Payment.objects.select_related("order"), pk=payment_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if _key(request) and form.is_valid():
        try:
            reason, seen = form.cleaned_data["reason"], _seen(request)
            refund = refunds.return_unused(
                payment, key=_key(request), actor=_name(request), reason=reason, seen=seen
            )
        except (NothingToRefund, DisputeOpen) as error:
            messages.warning(request, _why(error))
            return _to_order(payment.order)
        except four_eyes.NeedsSecondPerson as needed:
            return _asked(request, needed, key=_key(request), form=form, way="payment", payment=payment.pk)
        except PlanChanged:
            _warn_of_change(request)
        else:
            return _requested(request, payment.order, refund)
    if not payment.is_unused:
        messages.warning(request, _why(NothingToRefund()))
        return _to_order(payment.order)
    page = _Page(request, site, payment.order, title=_("Give the money back"))
    context = {"payment": payment, "amount": _shown_rest(payment), "key": _key(request) or _new_key()}
    return page.render("return.html", context | {"form": form})


# --- refunds that were made elsewhere, or refused ---


@require_http_methods(["GET", "HEAD", "POST"])
def explain(request: HttpRequest, *, site: admin.AdminSite, refund_id: int) -> HttpResponse:
    """Say what a refund was for that was made at the gateway."""
    refund = get_object_or_404(Refund.objects.select_related("payment__order"), pk=refund_id)
    order = refund.payment.order
    takes_back = request.POST.get("action") == "take back"
    if takes_back or (is_explained(refund) and request.method != "POST"):
        return _take_back(request, site, refund)
    try:
        left = refundable_of_gateway_refund(refund)
    except NothingToRefund:
        messages.warning(request, _("It is known already what this refund was for."))
        return _to_order(order)
    page = _Page(request, site, order, title=_("What was this refund for?"), explains=refund)
    form = page.form(
        RefundForm, left=left, plan_of=functools.partial(plan_explanation, refund), explains=True
    )
    if not form.is_valid() or not page.is_agreed:
        return page.show(form)
    try:
        explanations.explain_refund(refund, form.refund_request(), actor=_name(request), seen=_seen(request))
    except REFUSALS:
        return page.changed(explain, refund_id=refund_id)
    messages.success(request, _("Noted what this refund was for."))
    return _to_order(order)


def _take_back(request: HttpRequest, site: admin.AdminSite, refund: Refund) -> HttpResponse:
    """What was said of it, and the button that takes this back; then it is said anew."""
    if request.POST.get("action") == "take back":
        try:
            explanations.take_back_explanation(refund, actor=_name(request), seen=_seen(request))
        except PlanChanged:
            text = _("What was said of this refund has changed meanwhile. Please look again.")
            messages.warning(request, text)
        except OutOfStock:
            text = _("Goods that went back into stock with it have been sold since. Please count them first.")
            messages.warning(request, text)
        else:
            messages.success(request, _("Taken back. Please say what the refund was for."))
        return HttpResponseRedirect(request.path)
    page = _Page(request, site, refund.payment.order, title=_("What was this refund for?"))
    return page.render("explained.html", {"note": note_of(refund), "seen": explanation_digest(refund)})


@require_http_methods(["GET", "HEAD", "POST"])
def retry(request: HttpRequest, *, site: admin.AdminSite, refund_id: int) -> HttpResponse:
    """Try a refused refund anew."""
    refund = get_object_or_404(Refund.objects.select_related("payment__order"), pk=refund_id)
    order = refund.payment.order
    if request.method != "POST":
        return _retry_page(request, site, refund)
    try:
        again = refunds.retry_refund(refund, actor=_name(request), seen=_seen(request))
    except four_eyes.NeedsSecondPerson as needed:
        return _asked(request, needed, key=refunds.next_key(refund), way="retry", refund=refund.pk)
    except refunds.NotRefused:
        messages.warning(request, _("This refund was not refused."))
    except (NothingToRefund, DisputeOpen) as error:
        messages.warning(request, _why(error))
    except TooMuch:
        messages.warning(
            request, _("Part of this money has gone back in another way. Please refund the rest.")
        )
    except PlanChanged:
        _warn_of_change(request)
        return _retry_page(request, site, refund)
    else:
        return _requested(request, order, again)
    return _to_order(order)


def _retry_page(request: HttpRequest, site: admin.AdminSite, refund: Refund) -> HttpResponse:
    """What was refused, and what was refunded since: it may be the same."""
    currency, since = refund.payment.captured_currency, refunds.refunded_since(refund)
    context = {
        "refund": refund,
        "amount": money.formatted(refund.amount, currency),
        "since": money.formatted(since, currency) if since else "",
        "seen": refund.payment.money_stamp,
    }
    page = _Page(request, site, refund.payment.order, title=_("Try the refund again"))
    return page.render("retry.html", context)


# --- what the pages share ---


class _Page:
    """One of the pages about an order's money."""

    def __init__(
        self,
        request: HttpRequest,
        site: admin.AdminSite,
        order: Order,
        *,
        title: str,
        explains: Refund | None = None,
    ) -> None:
        self.request, self.site, self.order = request, site, order
        self.title, self.explains = title, explains

    @property
    def is_agreed(self) -> bool:
        """The preview was seen, and its button pressed."""
        return self.request.POST.get("action") == "refund" and bool(_key(self.request))

    def form(self, kind: type[RefundForm], **details: Any) -> RefundForm:
        return kind(self.request.POST if self.request.method == "POST" else None, **details)

    def show(self, form: RefundForm) -> HttpResponse:
        """The preview of what was typed, or the form while something is missing or to be changed."""
        if form.is_bound and form.is_valid() and self.request.POST.get("action") != "change":
            return self._preview(form, form.plan)
        return self.render("refund.html", {"form": form})

    def _preview(self, form: RefundForm, plan: RefundPlan) -> HttpResponse:
        needs_second = not self.explains and four_eyes.is_too_much(plan.payment, plan.total)
        context = {"form": form, "plan": plan, "key": _new_key(), "needs_second": needs_second}
        return self.render("preview.html", context)

    def changed(self, view: Callable[..., HttpResponse], **ids: int) -> HttpResponse:
        """Something has happened since the preview: it is shown anew, and nothing was done."""
        _warn_of_change(self.request)
        post = self.request.POST.copy()
        post["action"], post["key"] = "preview", ""
        self.request.POST = post  # type: ignore[assignment]
        return view(self.request, site=self.site, **ids)

    def render(self, template: str, context: dict[str, Any]) -> HttpResponse:
        shared = {
            **self.site.each_context(self.request),
            "title": self.title,
            "order": self.order,
            "explains": self.explains,
            "wishes": approvals.waiting_about(self.order.number).filter(kind=four_eyes.KIND),
            "opts": Order._meta,
        }
        return render(self.request, f"admin/payments/{template}", shared | context)


def _warn_of_change(request: HttpRequest) -> None:
    text = _("Something has changed since you looked. Nothing was refunded yet; please check once more.")
    messages.warning(request, text)


def _new_key() -> str:
    return uuid.uuid4().hex


def _key(request: HttpRequest) -> str:
    """The key of the preview that was agreed to; empty for anything that is none."""
    typed = request.POST.get("key", "")
    return typed if KEY.fullmatch(typed) else ""


def _seen(request: HttpRequest) -> str:
    """The stamp of what the page showed."""
    return request.POST.get("seen", "")


def _name(request: HttpRequest) -> str:
    return cast("User", request.user).get_username()


def _to_order(order: Order) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:checkout_order_change", args=[order.pk]))
