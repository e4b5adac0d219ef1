"""The page on which a person decides about money that does not match: nothing is done before."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from payments.models import Payment
from shop.l10n.money import formatted
from shop.web.asks_again import asks_again

from . import decisions

DECISIONS = {"accept": decisions.accept, "dismiss": decisions.dismiss}


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [path("<int:payment_id>/decide/", site.admin_view(decide), name="payments_payment_decide")]


@asks_again
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, payment_id: int) -> HttpResponse:
    """A second click finds that it has been decided already."""
    if not request.user.has_perm("payments.change_payment"):
        raise PermissionDenied
    payment = get_object_or_404(Payment.objects.select_related("order"), pk=payment_id)
    act = DECISIONS.get(request.POST.get("action", ""))
    if request.method == "POST" and act:
        try:
            act(payment, actor=request.user.get_username(), seen=request.POST.get("seen", ""))
        except decisions.NotDecidable:
            messages.warning(request, _("This is not open to decide any more. Please look at the payment."))
        except decisions.FactsChanged:
            text = _("This has changed since you looked. Nothing was decided yet; please check once more.")
            messages.warning(request, text)
            return HttpResponseRedirect(request.path)
        else:
            messages.success(request, _("Your decision is noted in the history of the order."))
        return _to(payment)
    if not payment.needs_attention:
        messages.info(request, _("This payment does not wait for a person."))
        return _to(payment)
    return render(request, "admin/payments/decide.html", _context(request, payment))


def _context(request: HttpRequest, payment: Payment) -> dict[str, object]:
    taken, currency = payment.captured_amount, payment.captured_currency
    total, is_idle = payment.order.total, payment.is_unused
    return {
        **admin.site.each_context(request),
        "title": _("Decide about payment %(payment)s") % {"payment": payment.reference},
        "opts": Payment._meta,
        "payment": payment,
        "seen": decisions.facts_stamp(payment),
        "order": payment.order,
        "expected": formatted(payment.amount, payment.currency),
        "total": formatted(total, payment.order.currency),
        "taken": formatted(taken, currency),
        "left": formatted(payment.refundable_amount, currency),
        "may_accept": is_idle
        and not payment.order.is_paid
        and payment.refundable_amount >= total
        and currency == payment.order.currency,
        "may_return": is_idle and request.user.has_perm("payments.add_refund"),
        "may_dismiss": not is_idle,
    }


def _to(payment: Payment) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:payments_payment_change", args=[payment.pk]))
