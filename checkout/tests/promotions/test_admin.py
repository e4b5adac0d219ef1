"""The merchant makes promo codes: what makes no sense is told at its field."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from checkout.models import Order, Promotion
from checkout.promotions import seeding
from checkout.tests.promotion_scenes import coded, make_promotion
from checkout.tests.scenes import TYPED as ADDRESSED
from checkout.tests.scenes import URL, add, make_goods, make_service, place, quote_of

pytestmark = pytest.mark.django_db

ADD = "admin:checkout_promotion_add"
TYPED = {
    "code": "ｓｐｒｉｎｇ５",
    "name_zh_hant": "春日優惠",
    "name_en": "Spring",
    "is_active": "on",
    "kind": "percent",
    "percent": "5",
    "scope": "goods",
    "minimum_value": "0",
    "minimum_quantity": "0",
}


@pytest.fixture
def merchant(client):
    client.force_login(
        User.objects.create_superuser("boss", "boss@shop.example", "x"),
        "django.contrib.auth.backends.ModelBackend",
    )
    return client


def errors(response):
    return response.context["adminform"].form.errors


def test_percent_and_amounts_are_read_with_their_signs(merchant):
    assert merchant.post(reverse(ADD), {**TYPED, "percent": "10％"}).status_code == 302
    assert Promotion.objects.get().percent == 10
    for amount in ("5%", "US$50"):
        wrong = merchant.post(reverse(ADD), {**TYPED, "kind": "amount", "percent": "", "amount": amount})
        assert "is not clear" in str(errors(wrong)["amount"])


def test_a_code_is_kept_in_one_spelling(merchant):
    assert merchant.post(reverse(ADD), TYPED).status_code == 302
    assert Promotion.objects.get().code == "SPRING5"
    again = merchant.post(reverse(ADD), {**TYPED, "code": "Spring 5"})
    assert set(errors(again)) == {"code"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"percent": ""}, "percent"),
        ({"percent": "101"}, "percent"),
        ({"amount": "5"}, "amount"),
        ({"kind": "amount", "percent": ""}, "amount"),
        ({"scope": "named"}, "products"),
        ({"kind": "free_shipping", "percent": "", "scope": "services"}, "scope"),
        ({"max_uses": "0"}, "max_uses"),
        ({"code": "ab"}, "code"),
        ({"valid_from": "2026-12-02", "valid_until": "2026-12-01"}, "valid_until"),
        ({"percent": "10.5"}, "percent"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(merchant, changes, field):
    response = merchant.post(reverse(ADD), {**TYPED, **changes})
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert len(errors(response)[field]) == 1  # a second reason would contradict the first
    assert not Promotion.objects.exists()


def test_what_is_not_shipped_has_no_free_shipping(merchant):
    sv = make_service()
    changes = {"kind": "free_shipping", "percent": "", "scope": "named", "products": [sv.product_id]}
    assert set(errors(merchant.post(reverse(ADD), {**TYPED, **changes}))) == {"products"}
    chosen = {"products": [sv.product_id]}
    assert set(errors(merchant.post(reverse(ADD), {**TYPED, **chosen}))) == {"products"}


def test_a_code_in_use_shows_its_count_and_can_be_ended_but_not_deleted(merchant):
    promotion = make_promotion(max_uses=9)
    place(coded("TEST10", (make_goods(), 1)))
    page = merchant.get(reverse("admin:checkout_promotion_changelist")).content.decode()
    assert "1 / 9" in page
    change = reverse("admin:checkout_promotion_change", args=[promotion.pk])
    typed = {**TYPED, "code": "TEST10"}
    place(coded("TEST10", (make_goods("TEA-902"), 1)), email="jun@example.com")
    assert set(errors(merchant.post(change, {**typed, "max_uses": "1"}))) == {"max_uses"}
    delete = reverse("admin:checkout_promotion_delete", args=[promotion.pk])
    assert merchant.post(delete, {"post": "yes"}).status_code == 403
    all_at_once = {"action": "delete_selected", "_selected_action": [promotion.pk], "post": "yes"}
    merchant.post(reverse("admin:checkout_promotion_changelist"), all_at_once)
    assert Promotion.objects.filter(pk=promotion.pk).exists()
    assert merchant.post(change, {**typed, "is_active": ""}).status_code == 302
    promotion.refresh_from_db()
    assert not promotion.is_active


def test_an_unused_code_may_go_and_the_cart_that_holds_it_is_told(merchant, client):
    promotion = make_promotion()
    add(client, make_goods())
    client.post("/en/cart/promo/", {"code": "TEST10"})
    seen = quote_of(client.get(URL))
    delete = reverse("admin:checkout_promotion_delete", args=[promotion.pk])
    assert merchant.post(delete, {"post": "yes"}).status_code == 302
    told = client.post(URL, {**ADDRESSED, "quote": seen})
    assert "We do not know the promo code TEST10." in told.content.decode()
    assert client.post(URL, {**ADDRESSED, "quote": quote_of(told)}).status_code == 302
    assert Order.objects.get().discount_total == 0


def test_the_order_names_its_code_and_is_found_by_it(merchant):
    make_promotion("POST0", kind="free_shipping")
    make_promotion(percent=10)
    orders = [place(coded(code, (make_goods(f"TEA-{code}"), 1))) for code in ("TEST10", "POST0")]
    for order, told in zip(orders, ["HK$16.80", "POST0"], strict=True):
        url = reverse("admin:checkout_order_change", args=[order.pk])
        assert told in merchant.get(url).content.decode()
    found = merchant.get(reverse("admin:checkout_order_changelist"), {"q": "test10"})
    assert list(found.context["cl"].queryset) == orders[:1]


def test_the_demo_has_three_codes_and_keeps_what_a_merchant_changed(db):
    from catalog.seeding import seed

    seed()
    assert (seeding.create_missing(), seeding.create_missing()) == (3, 0)
    for promotion in Promotion.objects.all():
        promotion.full_clean()
    tea3, early = Promotion.objects.get(code="TEA3"), Promotion.objects.get(code="SV-EARLY")
    assert tea3.products.count() == 4
    assert early.products.get().code == "SV2"
    Promotion.objects.filter(code="TEA3").update(percent=20)
    seeding.create_missing()
    assert Promotion.objects.get(code="TEA3").percent == 20
