"""The order's own page."""

from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from cart import recovery
from cart.cart import Cart
from checkout import order_access
from checkout.addresses import formats
from checkout.forms.contact import OrderEmailForm
from checkout.intake import answers, uploads
from checkout.models import Order, Shipment
from checkout.shipping.fulfilment import left_to_ship
from checkout.shipping.rates import TARIFFS
from checkout.signals import collect_sections, has_money_on_its_way
from shop.typed_values.email_addresses import identity
from shop.web import error_pages
from shop.web.rate_limit import RateLimit

from . import new_browsers
from .cancellations import offer_of
from .corrections import correctable_until
from .failed_mails import failed_mails
from .history import history_of, progress_of

EMAIL_GUESSES = RateLimit("order-email", limit=10, minutes=15)


def bought(order: Order) -> dict[int, int]:
    """Variant id -> quantity."""
    return {line.variant_id: line.quantity for line in order.lines.all()}


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
def order_page(request: HttpRequest, token: str) -> HttpResponse:
    """The order's page: its confirmation once it is paid. Needs no session, only the unguessable link.

    Browsers that have not placed the order see it without personal data until they name its e-mail address.
    With ``?print=1`` it is a receipt on paper.
    """
    parcels = Prefetch("shipments", Shipment.objects.prefetch_related("items__line"))
    order = get_object_or_404(Order.objects.prefetch_related("lines", parcels, "events"), token=token)
    if request.method == "POST":
        return _name_email(request, order)
    known = order_access.is_granted(request, order)
    is_placed_here = order_access.is_placed_here(request, order)
    is_just_placed_here = order_access.is_just_placed_here(request, order)
    cart = Cart(request.session)
    is_new = bool(order.is_paid and order.draft and cart.token == order.draft.token)
    if is_new:
        cart.take_out(bought(order))
    template = "checkout/receipt.html" if request.GET.get("print") == "1" else "checkout/order.html"
    context = order_context(
        order,
        known=known,
        is_placed_here=is_placed_here,
        is_just_placed_here=is_just_placed_here,
        form=OrderEmailForm(),
    )
    response = render(request, template, context)
    if is_new:  # not else: the cart of a lost session is still to come back
        recovery.follow(request, response)
    return response


def _name_email(request: HttpRequest, order: Order) -> HttpResponse:
    form = OrderEmailForm(request.POST)
    if form.is_valid():
        taken = EMAIL_GUESSES.take(request)
        if not taken:
            return error_pages.too_many(request, EMAIL_GUESSES)
        if identity(form.cleaned_data["email"]) == identity(order.email):
            EMAIL_GUESSES.release(taken)
            return _let_in(request, order, form)
        wrong = _(
            "This is not the e-mail address of the order. Please type the one that our mails about it go to."
        )
        form.add_error("email", wrong)
    return render(request, "checkout/order.html", order_context(order, known=False, form=form))


def _let_in(request: HttpRequest, order: Order, form: OrderEmailForm) -> HttpResponse:
    """Whoever knows the address need not be its owner: the mailbox hears of each browser that named it."""
    if not order_access.is_granted(request, order):
        try:
            new_browsers.note(order)
        except new_browsers.TooMany:
            too_many = _(
                "The e-mail address of this order was named in several browsers today. Please have a link"
                " sent to its mailbox instead."
            )
            way_on = format_html('<a href="{}">{}</a>', reverse("checkout:find"), _("Find my order"))
            form.add_error("email", format_html("{} {}", too_many, way_on))
            return render(request, "checkout/order.html", order_context(order, known=False, form=form))
    response = redirect(order)
    order_access.grant(request, response, order)
    return response


def order_context(
    order: Order,
    *,
    known: bool,
    form: OrderEmailForm,
    is_placed_here: bool = False,
    is_just_placed_here: bool = False,
) -> dict[str, Any]:
    """``known``: the reader may see what is delivered where. For the others see ``order_access``."""
    lines = list(order.lines.all())
    parts = collect_sections(order, reveal=is_just_placed_here)
    request = order.cancellations.last() if known else None
    return {
        "order": order,
        "known": known,
        "is_placed_here": is_placed_here,
        "is_just_placed_here": is_just_placed_here,
        "email_form": form,
        "goods": [line for line in lines if not line.is_service],
        "services": [line for line in lines if line.is_service],
        "sections": parts,
        "missing": answers.missing_answers(order) if known and order.is_paid else [],
        "files": uploads.of_order(order) if is_placed_here else [],
        "progress": progress_of(order, parts),
        "history": history_of(order, parts, reveal=known),
        "is_paying": order.status == Order.Status.PENDING and has_money_on_its_way(order),
        "cancellation": request,
        "correctable_until": correctable_until(order) if known else None,
        "has_failed_mails": known and failed_mails(order).exists(),
        "may_ask_to_cancel": known and request is None and bool(offer_of(order).lines),
        "left_to_ship": left_to_ship(order).items() if order.is_paid and order.shipments.all() else [],
        "address_label": formats.label(recipient=order.recipient, region=order.region, address=order.address)
        if known and order.needs_shipping
        else [],
        "tariff": TARIFFS.get(order.shipping_method),
        "will_ship": any(line.ships and line.withdrawn_quantity < line.quantity for line in lines),
        "will_report": any(line.is_service and not line.is_refunded for line in lines),
    }
