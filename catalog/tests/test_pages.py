"""What a visitor finds on the home, category and product pages."""

import re

import pytest
from django.urls import reverse
from django.utils.translation import override

from catalog.models import Category, Product, Variant
from catalog.seeding import seed
from shop.tests.harness.effort import IS_FULL

from .scenes import save
from .shelf import goods

pytestmark = pytest.mark.django_db
DISCLAIMER = {
    "en": "Traditional-culture reference, not medical, legal or investment advice.",
    "zh-hant": "內容屬傳統文化參考,並非醫療、法律或投資意見",
}


@pytest.fixture
def demo():
    seed()


def page(client, name, *args, language="en", query=""):
    with override(language):
        response = client.get(reverse(f"catalog:{name}", args=args) + query)
    assert response.status_code == 200
    return response.content.decode()


def product_page(client, code, language="en"):
    return page(client, "product", Product.objects.get(code=code).slug, language=language)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_home_page_shows_categories_picked_goods_and_every_service(demo, client, language):
    html = page(client, "home", language=language)
    with override(language):
        for category in Category.objects.all():
            assert category.get_absolute_url() in html
        for product in Product.objects.all():
            shown = f'href="{product.get_absolute_url()}"' in html
            assert shown == (product.is_featured or product.is_service), product.code
    assert "HK$2,880.00" in html
    assert DISCLAIMER[language] in html


@pytest.mark.parametrize(("language", "first"), [("en", 0), ("zh-hant", 1)])
def test_every_category_and_product_has_a_page_in_both_languages(demo, client, language, first):
    """Each in one of the languages; in both in ``make prove``."""
    with override(language):
        things = [*Category.objects.all(), *Product.objects.all()]
        for thing in things if IS_FULL else things[first::2]:
            response = client.get(thing.get_absolute_url())
            assert response.status_code == 200
            html = response.content.decode()
            assert html.count("<h1") == 1
            assert thing.name.replace("&", "&amp;").replace("'", "&#x27;") in html


def test_a_sale_shows_both_prices(demo, client):
    for html in (product_page(client, "TEA-006"), page(client, "category", "tea")):
        assert "HK$219.00" in html
        assert re.search(r"<s>.*before.*HK\$258.00</s>", html)


def test_a_price_that_differs_by_variant_is_a_price_from(demo, client):
    assert "from HK$258.00" in page(client, "category", "home")


def test_each_variant_can_be_chosen_and_says_its_price_and_stock(demo, client):
    Variant.objects.filter(sku="HOM-001-S").update(on_hand=0)
    html = product_page(client, "HOM-001")
    radios = re.findall(r'<input type="radio"[^>]*>', html)
    assert len(radios) == 3
    assert "disabled" in radios[0]
    assert "checked" in radios[1]
    for text in ("HK$258.00", "HK$358.00", "HK$558.00", "Sold out", "Only 4 left", "Only 2 left"):
        assert text in html


@pytest.mark.parametrize(
    ("code", "text"),
    [("INC-006", "Sold out"), ("GIF-004", "Not yet available")],
)
def test_what_cannot_be_bought_has_no_button(demo, client, code, text):
    html = product_page(client, code)
    assert text in html
    assert reverse("cart:add") not in html


def test_a_pre_order_names_its_day(demo, client):
    assert "10 December 2026" in product_page(client, "BOO-001")
    assert "2026年12月10日" in product_page(client, "BOO-001", "zh-hant")


def test_where_goods_are_not_sent_is_said(demo, client):
    html = product_page(client, "HOM-003")
    assert "Mainland China, Overseas" in html


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_a_service_page_says_what_when_how_much_and_what_will_be_asked(demo, client, language):
    html = product_page(client, "SV1", language)
    product = Product.objects.get(code="SV1")
    with override(language):
        for question in product.questions.all():
            assert question.label in html
        for line in product.terms.included.splitlines():
            assert line in html
        assert reverse("consulting:unlock") in html
    assert "HK$2,880.00" in html
    assert {"en": "10 working days", "zh-hant": "10個工作天"}[language] in html
    assert DISCLAIMER[language] in html


def test_text_that_exists_in_chinese_only_is_marked_as_chinese_on_an_english_page(demo, client):
    html = product_page(client, "BOO-003")
    assert re.search(r'<(\w+) [^>]*lang="zh-Hant"[^>]*>平易圖解,繁中。</\1>', html)
    assert 'lang="zh-Hant">平易' not in product_page(client, "BOO-003", "zh-hant")


def test_the_filter_leaves_out_what_is_sold_out(demo, client):
    assert "Travel sachet" in page(client, "category", "incense")
    assert "Travel sachet" not in page(client, "category", "incense", query="?in_stock=1")


def test_a_product_with_one_variant_left_is_in_stock(client):
    product = goods(stock=0, variants=2)
    assert product not in Product.objects.in_stock()
    Variant.objects.filter(pk=product.variants.last().pk).update(on_hand=1)
    assert product in Product.objects.in_stock()


@pytest.mark.parametrize(
    "query", ["?in_stock=%00", "?in_stock=1&in_stock=2", "?x=" + "y" * 3000, "?in_stock[]=1"]
)
def test_odd_queries_do_no_harm(demo, client, query):
    page(client, "category", "tea", query=query)


def test_unknown_and_hidden_things_are_not_found(demo, client):
    Product.objects.filter(code="TEA-001").update(is_active=False)
    hidden = Product.objects.get(code="TEA-001")
    assert client.get("/en/category/nothing/").status_code == 404
    assert client.get("/en/product/nothing/").status_code == 404
    assert client.get(f"/en/product/{hidden.slug}/").status_code == 404
    assert hidden.name_en not in page(client, "category", "tea")


def test_hostile_names_are_only_text(client):
    product = goods(
        name_en='<script>alert(1)</script>"', text_en="<img src=x onerror=alert(1)>", is_featured=True
    )
    for html in (
        page(client, "product", product.slug),
        page(client, "home"),
        page(client, "category", "tea"),
    ):
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_a_picture_that_has_gone_does_not_take_the_page_with_it(client, settings):
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "catalog.tests.test_pages.StrictStorage"}
    }
    goods(art="img/products/gone.svg", is_featured=True)
    assert "img/products/missing.svg" in page(client, "home")


class StrictStorage:
    def url(self, name):
        if "gone" in name:
            raise ValueError(name)
        return f"/static/{name}"


@pytest.mark.parametrize(
    ("name", "args", "most"),
    [("home", (), 6), ("category", ("tea",), 6), ("product", ("brass-gourd",), 5)],
)
def test_pages_ask_the_database_little(demo, client, django_assert_max_num_queries, name, args, most):
    with django_assert_max_num_queries(most):
        page(client, name, *args)


def test_looking_around_starts_no_session(demo, client):
    for name, args in (("home", ()), ("category", ("tea",)), ("product", ("brass-gourd",))):
        page(client, name, *args)
    assert "session" not in client.cookies


def test_pages_cannot_be_posted_to(demo, client):
    assert client.post("/en/").status_code == 405


def test_an_address_that_was_mailed_or_found_stays_good_when_the_slug_changes(client, admin_client):
    """Twice renamed, and the old one taken by another product: what is live comes first."""
    product, other = goods(slug="old-tea"), goods(slug="other")
    for slug in ("new-tea", "newest-tea"):
        assert save(admin_client, product, slug=slug).status_code == 302
    change = reverse("admin:catalog_category_change", args=[product.category_id])
    names = {"name_zh_hant": "茶", "name_en": "Tea", "position": "1"}
    assert admin_client.post(change, {**names, "slug": "teas"}).status_code == 302
    moved = {
        "/en/product/old-tea/": "/en/product/newest-tea/",
        "/zh-hant/product/new-tea/": "/zh-hant/product/newest-tea/",
        "/en/category/tea/?in_stock=1": "/en/category/teas/?in_stock=1",
    }
    for old, new in moved.items():
        answer = client.get(old)
        assert (answer.status_code, answer.get("Location")) == (301, new), old
        assert answer["Cache-Control"] == "no-cache"  # the slug may come back
    assert save(admin_client, other, slug="old-tea").status_code == 302
    assert client.get("/en/product/old-tea/").context["product"] == other
    Product.objects.filter(pk=product.pk).update(is_active=False)
    for gone in ("product/new-tea", "product/newest-tea", "product/never", "category/never"):
        assert client.get(f"/en/{gone}/").status_code == 404, gone
