"""The region for which the cart estimates the shipping fee, before anything is typed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cart.cart import count_in
from checkout.addresses import formats
from checkout.addresses.forms import FIRST_REGION

KEY = "region"


def region_of(request: HttpRequest) -> str:
    """The region that this visitor looked at last; empty if none yet."""
    region = request.session.get(KEY, "")
    return region if isinstance(region, str) and formats.is_region(region) else ""


def remember(request: HttpRequest, region: str) -> bool:
    """Store the region in the session. Returns False if there is no such region."""
    if not formats.is_region(region):
        return False
    if request.session.get(KEY, FIRST_REGION) != region:
        request.session[KEY] = region
    return True


def forget(request: HttpRequest) -> None:
    """Remove the region from the session."""
    request.session.pop(KEY, None)


@require_safe
def choose_region(request: HttpRequest) -> HttpResponse:
    """The cart's region select: back to the cart, which remembers it. Without a cart nothing is kept."""
    if not count_in(request.session):
        return HttpResponseRedirect(reverse("cart:detail"))
    if not remember(request, request.GET.get("region", "")):
        messages.error(request, _("Please choose a region from the list."))
    return HttpResponseRedirect(reverse("cart:detail") + "#estimate")
