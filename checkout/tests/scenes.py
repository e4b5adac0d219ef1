"""A shop to order from, made of real rows; orders are made through the services only."""

import re
from decimal import Decimal

from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory

from cart.cart import Cart
from catalog import stock_receipts
from catalog.models import Category, IntakeQuestion, Product, ServiceTerms, Variant
from checkout import order_access, services
from checkout.models import Draft, Order
from checkout.quote import make_quote
from checkout.services import IntakeAnswers, Submission

URL = "/en/checkout/"
ADDRESS = {"area": "Kowloon", "city": "Yau Tsim Mong", "line1": "1 Nathan Road", "line2": "", "postcode": ""}
TYPED = {
    "email": "mei@example.com",
    "region": "HK",
    "recipient": "Mei Chan",
    "phone": "+852 9123 4567",
    "area": "Kowloon",
    "city": "Yau Tsim Mong",
    "line1": "1 Nathan Road",
}


def make_goods(
    code: str = "TEA-900", *, price: str = "168.00", on_hand: int = 10, **extra: object
) -> Variant:
    category, _ = Category.objects.get_or_create(
        slug="tea-test", defaults={"name_zh_hant": "茶", "name_en": "Tea"}
    )
    product = Product.objects.create(
        kind=Product.Kind.GOODS,
        category=category,
        code=code,
        slug=code.lower(),
        name_zh_hant="測試茶",
        name_en="Test tea",
        art="img/products/TEA-001.svg",
        **extra,
    )
    variant = Variant.objects.create(
        product=product, sku=code, price=Decimal(price), weight_g=150, on_hand=on_hand
    )
    stock_receipts.book([variant])
    return variant


def make_service(code: str = "SV-900", *, price: str = "1280.00") -> Variant:
    category, _ = Category.objects.get_or_create(
        slug="consult-test", defaults={"name_zh_hant": "諮詢服務", "name_en": "Consulting services"}
    )
    product = Product.objects.create(
        kind=Product.Kind.SERVICE,
        category=category,
        code=code,
        slug=code.lower(),
        name_zh_hant="測試諮詢",
        name_en="Test consultation",
        art="img/products/SV1.svg",
        ships=False,
    )
    ServiceTerms.objects.create(
        product=product,
        working_days=7,
        unit_zh_hant="人",
        unit_en="person",
        max_subjects=5,
        capacity_per_week=12,
    )
    IntakeQuestion.objects.create(
        product=product,
        key="name",
        kind=IntakeQuestion.Kind.TEXT,
        label_zh_hant="姓名或稱呼",
        label_en="Name",
        is_required=True,
        is_personal=True,
    )
    return Variant.objects.create(product=product, sku=code, price=Decimal(price), tracks_stock=False)


def make_cart(*things: tuple[Variant, int]) -> Cart:
    session = SessionStore()
    cart = Cart(session)
    for variant, quantity in things:
        cart.add(variant, quantity)
    return Cart(session)


def submission(cart: Cart, **changes: object) -> Submission:
    fields: dict = {"email": "mei@example.com", "language": "en"}
    if cart.needs_shipping:
        fields |= {"recipient": "Mei Chan", "phone": "+85291234567", "region": "HK", "address": ADDRESS}
    fields["intakes"] = tuple(
        IntakeAnswers(
            line.variant.pk,
            subject,
            [
                {
                    "key": "name",
                    "label_zh_hant": "姓名或稱呼",
                    "label_en": "Name",
                    "value": "Secret Person",
                    "shown_zh_hant": "Secret Person",
                    "shown_en": "Secret Person",
                }
            ],
        )
        for line in cart.services
        for subject in range(1, line.quantity + 1)
    )
    return Submission(**(fields | changes))


def place(cart: Cart, *, method: str = "", **changes: object) -> Order:
    """The order that the cart becomes, as the checkout page makes it."""
    draft, _ = Draft.objects.get_or_create(token=cart.token)
    typed = submission(cart, **changes)
    return services.place_order(draft.pk, typed, make_quote(cart, typed.region, method))


def placed_in(browser: Client, *orders: Order) -> Client:
    """The browser, with the cookie that it gets when it places the orders."""
    answer = HttpResponse()
    order_access.grant(RequestFactory().get("/"), answer, *orders, is_placed=True)
    browser.cookies[order_access.COOKIE] = answer.cookies[order_access.COOKIE].value
    return browser


def for_later(*waiting: Variant) -> tuple[IntakeAnswers, ...]:
    """Intakes in which the one required answer about one subject is left for after the payment."""
    missing = {
        "key": "name",
        "kind": "text",
        "label_zh_hant": "姓名或稱呼",
        "label_en": "Name",
        "value": None,
    }
    left = missing | {"shown_zh_hant": "", "shown_en": "", "keep_days": None, "is_missing": True}
    return tuple(IntakeAnswers(each.pk, 1, [left]) for each in waiting)


def place_waiting(service: Variant | None = None, **changes: object) -> Order:
    """An order of a service whose required answer is still missing."""
    service = service or make_service()
    return place(make_cart((service, 1)), intakes=for_later(service), **changes)


def add(client, variant, quantity=1):
    """Put it into the browser's cart."""
    response = client.post("/en/cart/add/", {"variant": variant.pk, "quantity": quantity})
    assert response.status_code == 302, response.content


def quote_of(response) -> str:
    return re.search(r'name="quote" value="([^"]+)"', response.content.decode()).group(1)


def post(client, **changes):
    """Send the checkout page, filled in."""
    page = client.get(URL)
    return client.post(URL, {**TYPED, "quote": quote_of(page), **changes})


def pay(order: Order) -> Order:
    """The order, as a payment makes it."""
    with transaction.atomic():
        locked = Order.objects.lock(order.pk)
        services.mark_paid(locked, method="paypal", last4="", note="test")
    return locked
