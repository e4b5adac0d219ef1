"""From the cart to the order, and the order's own page."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from cart.cart import Cart
from shop import throttle

from . import addresses, grants, services
from .forms import CheckoutForms, OrderEmailForm
from .models import Draft, Order
from .quote import Quote, differences, make_quote, read_signed
from .shipping import TARIFFS, zone_of
from .signals import Section, confirmation_sections
from .stock import OutOfStock


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def begin(request: HttpRequest) -> HttpResponse:
    """The checkout page. Its one button, "Continue to payment", makes the order."""
    cart = Cart(request.session)
    ordered = _paid_order(cart)
    if ordered:
        cart.clear()
        return redirect(ordered)
    if cart.is_empty or cart.is_blocked:
        return redirect("cart:detail")
    prefetch_related_objects([line.variant.product for line in cart.lines], "questions")
    if request.method != "POST":
        draft = Draft.objects.filter(token=cart.token).first()
        return _page(request, cart, CheckoutForms(cart), typed=_query(draft.data) if draft else None)
    _save_draft(cart, request.POST)
    if request.POST.get("action") == "quote":  # another region was chosen: only show what it costs
        return _page(request, cart, CheckoutForms(cart), typed=request.POST)
    return _place(request, cart)


def _place(request: HttpRequest, cart: Cart) -> HttpResponse:
    forms = CheckoutForms(cart, request.POST)
    if not forms.is_valid():
        return _page(request, cart, forms, typed=request.POST)
    submission = forms.submission()
    quote = make_quote(cart, submission.region)
    seen = read_signed(request.POST.get("quote", ""))
    if seen is None or seen.digest != quote.digest:
        changes = differences(seen, quote) if seen else [_("Please look at the amounts once more.")]
        return _page(request, cart, forms, typed=request.POST, changes=changes)
    draft = Draft.objects.get(token=cart.token)
    try:
        order = services.place_order(draft.pk, submission, quote)
    except OutOfStock:
        messages.warning(request, _("Some of the goods have just been sold. Nothing has been ordered yet."))
        return redirect("cart:detail")
    except services.AlreadyOrdered as fact:
        return redirect(fact.order)
    response = redirect("payments:pay", token=order.token)
    grants.grant(request, response, order)
    return response


def _paid_order(cart: Cart) -> Order | None:
    """The order that this cart has already become: going back from paying must not lead to a second one."""
    settled = [Order.Status.PAID, Order.Status.UNDER_REVIEW]
    return Order.objects.filter(draft__token=cart.token, status__in=settled).first() if cart.token else None


def _save_draft(cart: Cart, data: QueryDict) -> None:
    kept = {
        name: values
        for name, values in data.lists()
        if name not in {"csrfmiddlewaretoken", "quote", "action"}
    }
    Draft.objects.update_or_create(token=cart.token, defaults={"data": kept})


def _query(data: Mapping[str, list[str]]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, values in data.items():
        query.setlist(name, values)
    return query


def _page(
    request: HttpRequest,
    cart: Cart,
    forms: CheckoutForms,
    *,
    typed: QueryDict | None,
    changes: list[str] | None = None,
) -> HttpResponse:
    """``typed`` fills unbound forms without complaining about what is still missing."""
    region = (typed.get("region", "") if typed else "") or "HK"
    if region not in dict(addresses.region_choices()):
        region = "HK"
    if typed:
        for form in forms.all:
            if not form.is_bound:
                form.initial = _initial(form, typed)
        if forms.shipping:
            forms.shipping.mark_required(region)
    quote: Quote = make_quote(cart, region)
    context = {
        "cart": cart,
        "forms": forms,
        "quote": quote,
        "changes": changes or [],
        "tariff": TARIFFS[zone_of(region)],
        "region_name": addresses.region_name(region),
    }
    return render(request, "checkout/begin.html", context)


def _initial(form: Any, typed: QueryDict) -> dict[str, Any]:
    """What was typed into this form, as initial values."""
    found: dict[str, Any] = {}
    for name, field in form.fields.items():
        key = form.add_prefix(name)
        if key in typed:
            found[name] = (
                typed.getlist(key)
                if hasattr(field.widget, "allow_multiple_selected") and (field.widget.allow_multiple_selected)
                else typed.get(key)
            )
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def order(request: HttpRequest, token: str) -> HttpResponse:
    """The order's page: its confirmation once it is paid. Needs no session, only the unguessable link.

    Who has not placed the order here sees it without personal data until they name its e-mail address.
    """
    found = get_object_or_404(Order.objects.prefetch_related("lines", "shipments__items__line"), token=token)
    if request.method == "POST":
        return _name_email(request, found)
    known = grants.is_granted(request, found)
    cart = Cart(request.session)
    if found.is_paid and found.draft and cart.token == found.draft.token:
        cart.clear()
    return render(request, "checkout/order.html", _order_context(found, known=known, form=OrderEmailForm()))


def _name_email(request: HttpRequest, found: Order) -> HttpResponse:
    if throttle.is_exceeded(request, "order-email", limit=10, minutes=15):
        return render(request, "429.html", status=429)
    form = OrderEmailForm(request.POST)
    if form.is_valid():
        if form.cleaned_data["email"].casefold() == found.email.casefold():
            response = redirect(found)
            grants.grant(request, response, found)
            return response
        throttle.count(request, "order-email")
        form.add_error("email", _("This is not the e-mail address of the order."))
    return render(request, "checkout/order.html", _order_context(found, known=False, form=form))


def _order_context(found: Order, *, known: bool, form: OrderEmailForm) -> dict[str, Any]:
    lines = list(found.lines.all())
    return {
        "order": found,
        "known": known,
        "email_form": form,
        "goods": [line for line in lines if not line.is_service],
        "services": [line for line in lines if line.is_service],
        "sections": sections(found, reveal=known) if found.is_paid else [],
        "address_label": addresses.label(
            recipient=found.recipient, region=found.region, address=found.address
        )
        if known and found.needs_shipping
        else [],
        "tariff": TARIFFS.get(found.shipping_method),
    }


def sections(found: Order, *, reveal: bool) -> list[Section]:
    """What other apps add to the confirmation."""
    answers: list[tuple[Any, Any]] = confirmation_sections.send(sender=Order, order=found, reveal=reveal)
    return [section for _receiver, section in answers if isinstance(section, Section)]
