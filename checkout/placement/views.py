"""The checkout page, from the cart to the order."""

import re

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from cart import recovery
from cart.cart import Cart
from cart.locking import locked_cart, note_shown
from catalog.models import IntakeQuestion
from checkout import order_access, services
from checkout.addresses.forms import ShippingForm
from checkout.forms.contact import EmailForm
from checkout.forms.form_data import initial_of, query_of
from checkout.intake import uploads
from checkout.models import Draft, Order, Upload
from checkout.orders.views import bought
from checkout.promotions.services import CodeKept, CodeNotUsable, offer_of
from checkout.quote import Quote, differences, make_quote, read_signed
from checkout.shipping.rates import TARIFFS
from checkout.stock import OutOfStock, TooManyUnpaid, TooMuchHeld
from shop.web import error_pages
from shop.web.rate_limit import RateLimit
from shop.web.unsent import give_back, takes_text
from shop.web.upload_handler import takes_files

from . import answer_copy, draft_fields, drafts, shipping_estimate, unpaid_holds
from .forms import CheckoutForms, Sent, ServiceContactForm

PERSONAL_OFFERS = RateLimit("promo-email", limit=30, minutes=60)


@takes_files
@takes_text(EmailForm, ShippingForm, ServiceContactForm)
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters()
@recovery.recovers
@sensitive_variables()  # what was typed is in many of them
def begin(request: HttpRequest) -> HttpResponse:
    """The checkout page. Its one button, "Continue to payment", makes the order."""
    if request.method == "GET" and "look" in request.GET:
        _go_on_from_page(request)
        return redirect("checkout:begin")
    cart = Cart(request.session)
    if request.POST.get("action") == "keep":
        return _keep(request, cart)
    is_sent = request.method == "POST"
    draft = None if is_sent else drafts.forget_beyond(cart.token, drafts.quantities_of(cart))
    ordered = _paid_order(cart) if is_sent or draft else None  # no order without a draft
    if ordered:
        typed_again = draft_fields.kept(cart, request.POST)
        cart.take_out(bought(ordered))
        if cart.is_empty:
            return _ordered_before(request, ordered, typed_again)
        draft = None  # what is left is another cart
    if cart.is_blocked and not cart.is_empty and is_sent:
        drafts.save(request, cart, request.POST)  # it is there again when the cart has been put right
        messages.warning(request, _("Your shopping cart has changed. Nothing has been ordered yet."))
    if cart.is_empty:
        why, door = _("Your cart is empty."), _("Fill it again in a new window")
        return give_back(request, then=reverse("cart:detail"), why=why, door=door)
    if cart.is_blocked:
        return redirect("cart:detail")
    prefetch_related_objects([line.variant.product for line in cart.lines], "questions")
    if not is_sent:
        forms = CheckoutForms(cart, sent=Sent(_kept_files(cart, draft)))
        typed = query_of(draft.data if draft else {})
        if shipping_estimate.region_of(request):  # the one looked at last, here or in the cart
            typed["region"] = shipping_estimate.region_of(request)
        return _page(request, cart, forms, typed=typed)
    if _asks_too_often(request, cart):
        kept = drafts.save(request, cart, request.POST)
        return _too_many_offers(request, is_kept=kept is not None and kept.is_whole)
    typed, copied = request.POST, None
    if is_copy := answer_copy.is_wanted(request.POST):
        typed, copied = answer_copy.copy(CheckoutForms(cart), request.POST)
    draft = drafts.save(request, cart, typed)
    if draft is None:
        text = _(
            "Too many orders were begun from your network. "
            "Please keep this page open and try again in an hour, or contact customer service."
        )
        return _page(request, cart, CheckoutForms(cart), typed=typed, copied=copied, refusal=[text])
    sent = _take_files(request, cart, draft)
    shipping_estimate.remember(request, request.POST.get("region", ""))
    is_file = request.POST.get("action") == "upload" or "remove_upload" in request.POST
    if is_copy or is_file or request.POST.get("action") == "quote":  # nothing is judged yet
        return _page(request, cart, CheckoutForms(cart, sent=sent), typed=typed, copied=copied)
    return _place(request, cart, draft, sent)


def _ordered_before(request: HttpRequest, order: Order, typed: dict[str, list[str]]) -> HttpResponse:
    """The same sent twice leads to the order; whoever has changed something learns that it was in vain."""
    draft = order.draft
    if draft and draft.data == typed:
        return redirect(order)
    why = _("This shopping cart has been ordered already, with what you typed before.")
    return give_back(request, then=order.get_absolute_url(), why=why)


@sensitive_variables()
def _keep(request: HttpRequest, cart: Cart) -> HttpResponse:
    """What was typed so far, as the page's script sends it when the page is left. Nobody sees the answer."""
    if not cart.is_empty:
        drafts.save(request, cart, request.POST)
    return HttpResponse(status=204)


@sensitive_variables()
def _take_files(request: HttpRequest, cart: Cart, draft: Draft) -> Sent:
    """Files that came with the form are kept whatever else is wrong with it."""
    problems: dict[str, list[str]] = {}
    unwanted = request.POST.get("remove_upload", "")
    if re.fullmatch(r"\d{1,18}", unwanted, re.ASCII):
        uploads.remove(draft.uploads.filter(pk=unwanted))
    if request.FILES:
        problems = uploads.receive(request, draft, CheckoutForms(cart).file_questions)
    return Sent(_kept_files(cart, draft), problems)


def _kept_files(cart: Cart, draft: Draft | None) -> dict[str, list[Upload]]:
    """By field. Most carts ask for none, and cost no look at the table."""
    questions = (question for line in cart.lines for question in line.variant.product.questions.all())
    asks = any(question.kind == IntakeQuestion.Kind.FILE for question in questions)
    return uploads.of_draft(draft) if asks else {}


def _asks_too_often(request: HttpRequest, cart: Cart) -> bool:
    """A code for first orders tells whether an e-mail address has ordered here: not to one who tries many."""
    if not cart.promo_code:
        return False
    taken = PERSONAL_OFFERS.take(request)
    if not taken:
        return True
    if not offer_of(cart, email=_email_in(request.POST)).is_personal:
        PERSONAL_OFFERS.release(taken)
    return False


@sensitive_variables()
def _too_many_offers(request: HttpRequest, *, is_kept: bool) -> HttpResponse:
    """The refusal; what was typed is on it where no draft holds it."""
    if is_kept:
        return error_pages.too_many(request, PERSONAL_OFFERS)
    why = _("Too many promo codes were tried. Please keep this page open and try again in an hour.")
    again = reverse("checkout:begin")
    return give_back(request, then=again, why=why, door=_("Go on in a new window"), status=429)


def _email_in(typed: QueryDict) -> str:
    """The e-mail address, if what was typed is one already."""
    form = EmailForm(typed)
    return str(form.cleaned_data["email"]) if form.is_valid() else ""


def _go_on_from_page(request: HttpRequest) -> None:
    """What another tab did since the visitor's cart page was shown is news here."""
    with locked_cart(request) as cart:
        if cart.snapshots.compare_with_page(request.GET["look"]):
            cart.save_snapshots()


@sensitive_variables()
def _place(request: HttpRequest, cart: Cart, draft: Draft, sent: Sent) -> HttpResponse:
    forms = CheckoutForms(cart, request.POST, sent)
    if not forms.is_valid():
        return _page(request, cart, forms, typed=request.POST)
    submission = forms.submission()
    quote = _quote(cart, forms, submission.email)
    seen = read_signed(request.POST.get("quote", ""))
    if seen is None or seen.digest != quote.digest:
        changes = differences(seen, quote) if seen else [_("Please look at the amounts once more.")]
        return _page(request, cart, forms, typed=request.POST, changes=changes)
    if not drafts.may_order(request, draft, [each.answers for each in submission.intakes]):
        text = _(
            "Too many long texts came from your network. "
            "Please shorten your answers, or try again in an hour."
        )
        return _page(request, cart, forms, typed=request.POST, refusal=[text])
    variants = {line.variant.pk: line.variant for line in cart.lines}
    try:
        order = services.place_order(
            draft.pk, submission, quote, variants=variants, origin=unpaid_holds.origin_of(request)
        )
    except (TooManyUnpaid, TooMuchHeld, CodeKept) as error:
        refusal = unpaid_holds.sentences(error, variants)
        return _page(request, cart, forms, typed=request.POST, refusal=refusal)
    except CodeNotUsable:
        changes = differences(quote, _quote(cart, forms, submission.email))
        return _page(request, cart, forms, typed=request.POST, changes=changes)
    except OutOfStock:
        messages.warning(request, _("Some of the goods have just been sold. Nothing has been ordered yet."))
        return redirect("cart:detail")
    except services.AlreadyOrdered as error:
        return redirect(error.order)
    response = redirect("payments:pay", token=order.token)
    order_access.grant(request, response, order, is_placed=True)
    recovery.end(response)
    return response


def _paid_order(cart: Cart) -> Order | None:
    """The order that this cart has already become: going back from paying must not lead to a second one."""
    settled = [Order.Status.PAID, Order.Status.UNDER_REVIEW]
    return Order.objects.filter(draft__token=cart.token, status__in=settled).first() if cart.token else None


@sensitive_variables()
def _page(
    request: HttpRequest,
    cart: Cart,
    forms: CheckoutForms,
    *,
    typed: QueryDict,
    changes: list[str] | None = None,
    copied: answer_copy.Copied | None = None,
    refusal: list[str] | None = None,
) -> HttpResponse:
    """``typed`` fills unbound forms without complaining about what is still missing."""
    for form in forms.all:
        if not form.is_bound and form is not forms.shipping:
            form.initial = {**form.initial, **initial_of(form, typed)}
    if forms.shipping and not forms.shipping.is_bound:
        forms.shipping.suit(typed)
    answer_copy.offer(forms, typed, copied)
    quote = _quote(cart, forms, _email_in(request.POST))  # what a draft holds was counted by nobody
    sentences = [*(changes or []), *(change for change in cart.changes if change not in (changes or []))]
    is_part = request.POST.get("action") == "quote"  # a script takes only the amounts out of the page
    context = {
        "cart": cart,
        "forms": forms,
        "quote": quote,
        "changes": [] if is_part else sentences,
        "refusal": refusal,
        "quote_changes": sentences if is_part else [],
        "tariff": TARIFFS.get(quote.shipping_method),
        "language_form": "checkout-form",
    }
    response = render(request, "checkout/begin.html", context)
    note_shown(request, cart.lines)
    recovery.keep(request, response)
    return response


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Empty the cart, forget what was typed and the orders: the next at this computer finds nothing of it."""
    tokens = {recovery.token_of(request)}
    with locked_cart(request) as cart:
        tokens.add(cart.token)
        cart.clear()
    shipping_estimate.forget(request)
    for token in filter(None, tokens):
        drafts.forget(token)
    text = _("Your cart is empty. What you had typed is deleted, and this browser has forgotten your orders.")
    messages.success(request, text)
    response = redirect("cart:detail")
    order_access.forget(request, response)
    recovery.end(response)
    return response


def _quote(cart: Cart, forms: CheckoutForms, email: str) -> Quote:
    region = forms.shipping.chosen_region if forms.shipping else ""
    return make_quote(cart, region, forms.shipping_method, email=email)
