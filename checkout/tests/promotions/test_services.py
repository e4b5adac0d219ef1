"""Promo codes: what they take off, when they apply, and how the amounts stay exact."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from checkout import services
from checkout.health.promotions import promo_uses
from checkout.models import Order, Promotion, Redemption
from checkout.models.promotion import normalised_code
from checkout.orders import corrections
from checkout.promotions import services as promotions
from checkout.quote import differences, make_quote
from checkout.shipping import fulfilment
from checkout.tests.promotion_scenes import Kind, Scope, coded, make_promotion, used
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place
from shop import clock

pytestmark = pytest.mark.django_db


def problem(cart, region="HK", **more):
    quote = make_quote(cart, region, **more)
    assert not quote.promo_problem or (quote.promo_code, quote.discount_total) == ("", 0)
    return quote.promo_problem


# --- what it takes off ---


def test_a_percentage_comes_off_the_goods_and_leaves_services_and_shipping():
    make_promotion(percent=10, scope=Scope.GOODS)
    cart = coded("TEST10", (make_goods(price="168.00"), 2), (make_service(price="1280.00"), 1))
    quote = make_quote(cart, "HK")
    assert (quote.discount_total, quote.shipping_total, quote.total) == (
        Decimal("33.60"),
        30,
        Decimal("1612.40"),
    )
    assert [line.discount for line in quote.lines] == [Decimal("33.60"), 0]


def test_an_amount_comes_off_once_and_never_more_than_what_it_applies_to_costs():
    sv, tea = make_service(price="150.00"), make_goods(price="168.00")
    make_promotion("SV200", kind=Kind.AMOUNT, amount=Decimal(200), scope=Scope.NAMED, products=[sv])
    assert make_quote(coded("SV200", (sv, 2), (tea, 1)), "HK").discount_total == 200
    alone = make_quote(coded("SV200", (sv, 1), (tea, 1)), "HK")
    assert (alone.discount_total, alone.total) == (150, 198)


def test_free_shipping_takes_the_fee_and_nothing_else():
    make_promotion("POST0", kind=Kind.FREE_SHIPPING)
    quote = make_quote(coded("POST0", (make_goods(price="168.00"), 1)), "TW")
    assert (quote.shipping_total, quote.discount_total, quote.total) == (0, 0, 168)
    assert quote.ships_free


def test_free_shipping_from_600_looks_at_the_value_before_the_discount():
    make_promotion(percent=50)
    quote = make_quote(coded("TEST10", (make_goods(price="300.00"), 2)), "HK")
    assert (quote.shipping_total, quote.total) == (0, 300)


amounts = st.decimals(min_value="0.01", max_value="9999.99", places=2)


@given(totals=st.lists(amounts, min_size=1, max_size=12), part=st.fractions(0, 1))
def test_shares_are_exact_to_the_cent_and_never_more_than_their_line(totals, part):
    off = (sum(totals) * part.numerator / part.denominator).quantize(Decimal("0.01"), "ROUND_DOWN")
    shares = promotions.allocated(off, dict(enumerate(totals)))
    assert sum(shares.values()) == off
    for key, total in enumerate(totals):
        assert 0 <= shares[key] <= total
        assert abs(shares[key] - off * total / sum(totals)) < Decimal("0.01")


# --- when it applies ---


@pytest.mark.parametrize("typed", ["tea3", " TEA3 ", "ＴＥＡ３", "ｔｅａ ３"])
def test_small_letters_and_full_width_are_the_same_code(typed):
    make_promotion("TEA3")
    assert make_quote(coded(typed, (make_goods(), 1)), "HK").promo_code == "TEA3"


@pytest.mark.parametrize("typed", ["SV-EARLY", "sv－early", "sv–early", "ＳＶ‐ＥＡＲＬＹ", "sv−early"])
def test_any_dash_is_a_hyphen(typed):
    assert normalised_code(typed) == "SV-EARLY"


@pytest.mark.parametrize(
    "typed", ["「sv-early」", "SV-EARLY。", "優惠碼：SV-EARLY", "Promo code: “sv-early”."]
)
def test_what_is_pasted_along_with_a_code_is_left_out(typed):
    assert normalised_code(typed) == "SV-EARLY"


def test_a_code_is_read_as_it_is_pasted_and_misread():
    make_promotion("WELCOME10")
    make_promotion("SV-EARLY")
    cart = make_cart((make_goods(), 1))
    pasted = ["Code: welcome10", "優惠碼：WELCOME10", "WELCOME10.", "“WELCOME10”", "「WELCOME10」"]
    misread = ["*WELCOME10*", "#WELCOME10", "WELC0ME1O", "WE1COME10", "WELCOME-10", "WELCOME10\ufffc"]
    for typed in pasted + misread:
        assert promotions.offer_for(cart, typed).code == "WELCOME10", typed
    for typed in ("SV EARLY", "svearly", "SV_EARLY", "sv.early"):
        assert promotions.offer_for(cart, typed).code == "SV-EARLY", typed
    make_promotion("SVEARLY")  # now it could be two: only what is meant exactly is taken
    assert [promotions.offer_for(cart, typed).code for typed in ("SV-EARLY", "SVEARLY")] == [
        "SV-EARLY",
        "SVEARLY",
    ]
    assert "do not know" in promotions.offer_for(cart, "SV_EAR1Y").problem


def test_an_unknown_code_takes_nothing_off():
    cart = coded("NOSUCH", (make_goods(), 1))
    assert "do not know the promo code NOSUCH" in problem(cart)
    assert place(cart).promo_code == ""


def test_a_code_has_a_first_and_a_last_day():
    today = clock.today()
    cart = coded("TEST10", (make_goods(), 1))
    promotion = make_promotion(valid_from=today, valid_until=today)
    assert not problem(cart)
    promotion.valid_from = promotion.valid_until = today + dt.timedelta(days=1)
    promotion.save()
    assert "is valid from" in problem(cart)
    promotion.valid_from, promotion.valid_until = None, today - dt.timedelta(days=1)
    promotion.save()
    assert "was valid until" in problem(cart)
    promotion.valid_until, promotion.is_active = None, False
    promotion.save()
    assert "not valid at present" in problem(cart)


def test_a_code_is_valid_until_the_last_second_of_its_day_in_hong_kong(monkeypatch):
    make_promotion(valid_until=dt.date(2026, 12, 31))
    cart, hong_kong = coded("TEST10", (make_goods(), 1)), dt.timezone(dt.timedelta(hours=8))

    def told_at(*moment):
        monkeypatch.setattr(clock, "now", lambda: dt.datetime(*moment, tzinfo=hong_kong))
        return problem(cart)

    assert told_at(2026, 12, 31, 7) == told_at(2026, 12, 31, 23, 59, 59) == ""
    assert "was valid until" in told_at(2027, 1, 1, 0, 0, 1)


def test_a_code_for_three_teas_says_how_many_are_missing():
    first, second = make_goods("TEA-901"), make_goods("TEA-902")
    make_promotion("TEA3", scope=Scope.NAMED, minimum_quantity=3, products=[first, second], percent=15)
    assert "Please add 1 more" in problem(coded("TEA3", (first, 1), (second, 1)))
    assert make_quote(coded("TEA3", (first, 1), (second, 2)), "HK").discount_total == Decimal("75.60")
    other = make_goods("INC-901")
    assert "is for Test tea, Test tea" in problem(coded("TEA3", (other, 5)))


def test_a_minimum_value_says_what_is_missing():
    make_promotion(minimum_value=Decimal(200))
    tea = make_goods(price="168.00")
    assert "HK$32.00 are still missing" in problem(coded("TEST10", (tea, 1), (make_service(), 1)))
    assert not problem(coded("TEST10", (tea, 2)))


@pytest.mark.parametrize(
    ("scope", "told"), [(Scope.GOODS, "is for products"), (Scope.SERVICES, "is for consulting services")]
)
def test_a_code_for_what_is_not_in_the_cart_says_what_it_is_for(scope, told):
    make_promotion(scope=scope)
    thing = make_service() if scope == Scope.GOODS else make_goods()
    assert told in problem(coded("TEST10", (thing, 1)))


def test_a_code_that_leaves_nothing_to_pay_is_refused():
    make_promotion("ALL", percent=100, scope=Scope.SERVICES)
    make_promotion("GOODS", percent=100)
    sv, tea, dear = make_service(), make_goods(), make_goods("TEA-901", price="600.00")
    assert "nothing would be left to pay" in problem(coded("ALL", (sv, 1)))
    assert "nothing would be left to pay" in problem(coded("GOODS", (dear, 1)))  # ships free
    assert make_quote(coded("GOODS", (tea, 1)), "HK").total == 30


def test_a_code_that_takes_nothing_off_is_not_used_up():
    make_promotion("POST0", kind=Kind.FREE_SHIPPING)
    assert "Shipping is free anyway" in problem(coded("POST0", (make_goods(price="600.00"), 1)))
    assert "nothing in your cart is shipped" in problem(coded("POST0", (make_service(), 1)))
    make_promotion("TINY", percent=1)
    assert "takes nothing off" in problem(coded("TINY", (make_goods("TEA-901", price="0.40"), 1)))
    place(coded("POST0", (make_goods("TEA-902", price="600.00"), 1)))
    assert not Redemption.objects.exists()


# --- the order keeps it ---


def test_the_order_is_a_snapshot_of_the_discount():
    promotion = make_promotion(percent=15)
    first, second = make_goods("TEA-901", price="33.33"), make_goods("TEA-902", price="66.65")
    order = place(coded("TEST10", (first, 1), (second, 1)))
    promotion.percent, promotion.name_en = 50, "Another"
    promotion.save()
    order.refresh_from_db()
    assert (order.promo_code, order.promo_name_en, order.promo_name_zh_hant) == (
        "TEST10", "Test offer", "測試優惠",
    )  # fmt: skip
    assert order.discount_total == Decimal("15.00")
    assert [line.discount_total for line in order.lines.all()] == [Decimal("5.00"), Decimal("10.00")]
    assert order.total == Decimal("99.98") + 30 - 15
    assert [line.net_total for line in order.lines.all()] == [Decimal("28.33"), Decimal("56.65")]


def test_a_code_ends_with_the_cart_that_used_it():
    make_promotion()
    tea, more = make_goods("TEA-901"), make_goods("TEA-902")
    cart = coded("TEST10", (tea, 1), (more, 1))
    cart.take_out({tea.pk: 1})
    assert cart.promo_code == ""


def test_what_changed_meanwhile_is_told_old_value_first():
    promotion = make_promotion(percent=10)
    cart = coded("TEST10", (make_goods(price="168.00"), 1))
    seen = make_quote(cart, "HK")
    promotion.percent = 5
    promotion.save()
    assert differences(seen, make_quote(cart, "HK")) == [
        "The discount has changed from HK$16.80 to HK$8.40.",
        "The total amount has changed from HK$181.20 to HK$189.60.",
    ]
    promotion.is_active = False
    promotion.save()
    assert differences(seen, make_quote(cart, "HK")) == [
        "The promo code TEST10 is not valid at present.",
        "The discount has changed from HK$16.80 to HK$0.00.",
        "The total amount has changed from HK$181.20 to HK$198.00.",
    ]


# --- how often ---


def test_a_limit_counts_orders_and_a_revision_is_the_same_order():
    promotion = make_promotion(max_uses=1)
    tea = make_goods()
    cart, other = coded("TEST10", (tea, 1)), coded("TEST10", (tea, 1))
    place(cart)
    assert place(cart, email="other@example.com").discount_total > 0
    assert used(promotion) == 1
    assert "has been used up" in problem(other)


def test_a_code_taken_out_again_is_free_for_others():
    promotion = make_promotion(max_uses=1)
    cart = coded("TEST10", (make_goods(), 1))
    place(cart)
    cart.promo_code = ""
    assert place(cart).promo_code == ""
    assert used(promotion) == 0


@pytest.mark.parametrize("ends", ["cancel", "expire", "supersede"])
def test_an_order_that_comes_to_nothing_gives_its_use_back(ends):
    promotion = make_promotion(max_uses=1)
    tea = make_goods()
    cart = coded("TEST10", (tea, 1))
    order = place(cart)
    with transaction.atomic():
        if ends == "cancel":
            services.cancel(order.pk, actor="staff")
        elif ends == "expire":
            services.expire(Order.objects.lock(order.pk))
        else:
            services.begin_payment(Order.objects.lock(order.pk), minutes=30)
    if ends == "supersede":
        second = place(cart, email="other@example.com")
        assert second != order
        assert second.discount_total == order.discount_total
        assert used(promotion) == 1
        return
    assert used(promotion) == 0
    assert not problem(coded("TEST10", (tea, 1)))


def test_late_money_is_honoured_even_if_the_code_is_used_up_meanwhile():
    promotion = make_promotion(max_uses=1)
    tea = make_goods()
    late = place(coded("TEST10", (tea, 1)))
    with transaction.atomic():
        services.expire(Order.objects.lock(late.pk))
    place(coded("TEST10", (tea, 1)), email="other@example.com")
    paid = pay(late)
    assert paid.status == Order.Status.PAID
    assert used(promotion) == 2
    assert "has been used up" in problem(coded("TEST10", (tea, 1)))


def test_once_per_e_mail_address_means_any_spelling_of_it():
    make_promotion(once_per_email=True)
    tea = make_goods()
    pay(place(coded("TEST10", (tea, 1)), email="Mei@Example.com"))
    other = coded("TEST10", (tea, 1))
    assert not problem(other)  # nobody has said yet whose order it is
    assert not problem(other, email="jun@example.com")
    assert "has been used with this e-mail address" in problem(other, email="mei@example.com")
    with pytest.raises(promotions.CodeNotUsable):
        place(other, email="mei@example.com")
    assert Order.objects.count() == 1


def test_a_first_order_is_one_before_which_nothing_was_paid():
    make_promotion(first_order_only=True)
    tea = make_goods()
    given_up = place(make_cart((tea, 1)))
    services.cancel(given_up.pk, actor="staff")
    assert not problem(coded("TEST10", (tea, 1)), email="mei@example.com")
    pay(place(make_cart((tea, 1))))
    assert "is for a first order" in problem(coded("TEST10", (tea, 1)), email="MEI@example.com")


def test_a_use_keeps_the_address_it_was_made_with():
    make_promotion(once_per_email=True)
    tea = make_goods()
    order = pay(place(coded("TEST10", (tea, 1)), email="mei@example.com"))
    with transaction.atomic():
        corrections.readdress(Order.objects.lock(order.pk), "new@example.com", actor="staff")
    assert "has been used with" in problem(coded("TEST10", (tea, 1)), email="mei@example.com")
    assert not problem(coded("TEST10", (tea, 1)), email="new@example.com")


def test_a_use_comes_free_once_all_the_money_has_gone_back():
    promotion = make_promotion(first_order_only=True, max_uses=1)
    tea = make_goods()
    order = pay(place(coded("TEST10", (tea, 1))))
    for amount, left in ((order.total - 1, 1), (Decimal(1), 0)):
        with transaction.atomic():
            fulfilment.note_refund(Order.objects.lock(order.pk), amount, {})
        assert used(promotion) == left
    assert not problem(coded("TEST10", (tea, 1)), email="mei@example.com")
    assert not promo_uses().findings


# --- what a promotion can be ---


@pytest.mark.parametrize(
    "fields",
    [
        {"percent": None},
        {"percent": 0},
        {"percent": 101},
        {"amount": Decimal(5)},
        {"kind": Kind.AMOUNT, "percent": None},
        {"kind": Kind.FREE_SHIPPING, "percent": 10},
        {"valid_from": dt.date(2026, 2, 1), "valid_until": dt.date(2026, 1, 1)},
        {"max_uses": 0},
        {"code": "A"},
        {"code": "É10"},
    ],
)
def test_a_promotion_that_makes_no_sense_is_refused(fields):
    values = {"code": "NEW10", "name_zh_hant": "新", "kind": Kind.PERCENT, "percent": 10} | fields
    with pytest.raises(ValidationError):
        Promotion(**values).full_clean()


def test_the_database_knows_what_a_kind_takes_off():
    for fields in ({"percent": None}, {"amount": 5}, {"percent": 200}):
        values = {"code": "NEW10", "name_zh_hant": "新", "kind": Kind.PERCENT, "percent": 10} | fields
        with pytest.raises(IntegrityError), transaction.atomic():
            Promotion.objects.create(**values)
