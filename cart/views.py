"""The cart page and what its buttons, and the product pages' buttons, do."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from catalog import lead_times
from catalog.models import Variant

from .cart import MAX_LINES, Cart, CartIsFull
from .forms import QuantityForm, RemovalForm, VariantForm
from .limits import shortfall_of
from .locking import locked_cart, note_shown
from .recovery import recovers


@require_safe
@recovers
def detail(request: HttpRequest) -> HttpResponse:
    return page(request)


def page(request: HttpRequest, **more: object) -> HttpResponse:
    """The cart page; ``more`` is for what the checkout adds to it."""
    cart = Cart(request.session)
    can_check_out = not (cart.is_empty or cart.is_blocked)
    products = [line.variant.product for line in cart.lines]
    context = {
        "cart": cart,
        "can_check_out": can_check_out,
        "removed": _removed(request, cart),
        "changes": cart.changes,
        "report_days": lead_times.report_days(products),
        "ships_by": lead_times.ships_by(products),
    }
    response = render(request, "cart/detail.html", {**context, **more})
    note_shown(request, cart.lines)
    return response


@require_POST
@recovers
def add(request: HttpRequest) -> HttpResponse:
    """Put something into the cart and go back to the page it was seen on."""
    form = QuantityForm(request.POST)
    if not form.is_valid():
        _report(request, form)
        seen = form.cleaned_data.get("variant")
        return _back(request, _page_of(seen) if seen else reverse("cart:detail"))
    variant, quantity = form.cleaned_data["variant"], form.cleaned_data["quantity"]
    if quantity == 0:
        messages.error(request, _("Please enter a quantity of at least 1."))
    else:
        _add(request, variant, quantity)
    return _back(request, _page_of(variant))


def _page_of(variant: Variant) -> str:
    """Where it can be put into the cart, as long as it is shown."""
    product = variant.product
    return product.get_absolute_url() if product.is_active else reverse("cart:detail")


def _add(request: HttpRequest, variant: Variant, quantity: int) -> None:
    with locked_cart(request) as cart:
        before = cart.quantity_of(variant.pk)
        try:
            now = cart.add(variant, quantity)
        except CartIsFull:
            full = _("A shopping cart holds at most %(n)s different items.")
            messages.error(request, full % {"n": MAX_LINES})
            return
        if now > before:
            text = _("%(name)s has been added to your shopping cart.") % {"name": variant.full_name}
            link = format_html('<a href="{}">{}</a>', reverse("cart:detail"), _("View Shopping Cart"))
            messages.success(request, format_html("{} {}", text, link))
        if now < before + quantity:
            _tell_shortfall(request, cart, variant, requested=before + quantity)


@require_POST
@recovers
def update(request: HttpRequest) -> HttpResponse:
    form = QuantityForm(request.POST)
    if not form.is_valid():
        _report(request, form)
        return redirect("cart:detail")
    variant, quantity = form.cleaned_data["variant"], form.cleaned_data["quantity"]
    if quantity == 0:
        return _remove(request, variant)
    with locked_cart(request) as cart:
        _go_on_from_page(request, cart)
        before, shown = cart.quantity_of(variant.pk), cart.snapshots.quantity_of(variant.pk)
        if before and shown is not None and before != shown:
            text = _("The quantity of %(name)s had meanwhile been changed to %(quantity)s.")
            messages.info(request, text % {"name": variant.full_name, "quantity": before})
        if not before:
            messages.info(request, _("%(name)s is not in your shopping cart.") % {"name": variant.full_name})
        elif cart.set(variant.pk, quantity) < quantity:
            _tell_shortfall(request, cart, variant, requested=quantity)
        else:
            messages.success(request, _("The quantity has been changed."))
    return redirect("cart:detail")


@require_POST
@recovers
def remove(request: HttpRequest) -> HttpResponse:
    form = VariantForm(request.POST)
    if not form.is_valid():
        _report(request, form)
        return redirect("cart:detail")
    return _remove(request, form.cleaned_data["variant"])


def _remove(request: HttpRequest, variant: Variant) -> HttpResponse:
    with locked_cart(request) as cart:
        _go_on_from_page(request, cart)
        quantity = cart.quantity_of(variant.pk)
        cart.remove(variant.pk)
    undo = "?" + urlencode({"removed": variant.pk, "quantity": quantity}) if quantity else ""
    return HttpResponseRedirect(reverse("cart:detail") + undo)


def _go_on_from_page(request: HttpRequest, cart: Cart) -> None:
    """What another tab did since this one was shown is news in this one."""
    if cart.snapshots.compare_with_page(request.POST.get("look", "")):
        cart.save_snapshots()


def _removed(request: HttpRequest, cart: Cart) -> dict[str, object] | None:
    """What the page offers to put back: named in its address, and still out of the cart."""
    if "removed" not in request.GET:
        return None
    form = RemovalForm(request.GET)
    if not form.is_valid() or cart.quantity_of(form.cleaned_data["removed"].pk):
        return None
    return {"variant": form.cleaned_data["removed"], "quantity": form.cleaned_data["quantity"]}


def _tell_shortfall(request: HttpRequest, cart: Cart, variant: Variant, *, requested: int) -> None:
    limit = cart.limit_on(variant, requested)
    messages.warning(request, shortfall_of(variant, cart.quantity_of(variant.pk), limit))


def _report(request: HttpRequest, form: VariantForm) -> None:
    """The form's errors as messages: the page that sent it has no place for them."""
    for errors in form.errors.values():
        for error in errors:
            messages.error(request, str(error))


def _back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page that asked, if it is one of ours."""
    target = request.POST.get("next", "")
    is_ours = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if is_ours else otherwise)
