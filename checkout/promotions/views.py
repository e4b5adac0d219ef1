"""Entering and removing a promo code, on the cart page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cart.cart import Cart
from cart.locking import locked_cart
from cart.recovery import recovers
from cart.views import page
from shop.web.rate_limit import RateLimit

from .forms import PromoForm

CODE_GUESSES = RateLimit("promo-code", limit=10, minutes=15)


@require_POST
@recovers
def enter(request: HttpRequest) -> HttpResponse:
    """Keep the code with the cart if it takes something off; else say at the field why not."""
    if request.POST.get("action") == "remove":
        return _remove(request)
    cart = Cart(request.session)
    if cart.is_empty:
        return redirect("cart:detail")
    taken = CODE_GUESSES.take(request)
    if not taken:
        return _wait(request)
    form = PromoForm(request.POST, cart=cart)
    is_valid = form.is_valid()
    is_guess = not is_valid and form.offer is not None and not form.offer.name  # no such code
    if not is_guess:
        CODE_GUESSES.release(taken)
    if not is_valid:
        return page(request, promo_form=form)
    with locked_cart(request) as locked:
        locked.promo_code = form.cleaned_data["code"]
    text = _("The promo code %(code)s has been added.")
    messages.success(request, text % {"code": form.cleaned_data["code"]})
    return redirect("cart:detail")


def _remove(request: HttpRequest) -> HttpResponse:
    with locked_cart(request) as cart:
        code, cart.promo_code = cart.promo_code, ""
    if code:
        messages.success(request, _("The promo code %(code)s has been removed.") % {"code": code})
    return redirect("cart:detail")


def _wait(request: HttpRequest) -> HttpResponse:
    """The code that was typed stays in its field."""
    form = PromoForm(request.POST)
    text = _("Too many unknown promo codes were tried. Please try again in %(minutes)s minutes.")
    form.add_error("code", text % {"minutes": CODE_GUESSES.minutes})
    response = page(request, promo_form=form)
    response.status_code = 429
    return response
