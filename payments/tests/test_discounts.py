"""Discounts and money: PayPal is told of them to the cent, and what goes back is what was paid."""

from decimal import Decimal
from itertools import permutations

import pytest
from django.urls import reverse

from checkout.models import Order, Promotion
from checkout.tests.placement.test_unpaid_holds import ELSEWHERE, HERE, order_from
from checkout.tests.promotion_scenes import coded, make_promotion
from checkout.tests.scenes import URL, add, make_cart, make_goods, make_service, pay, place, post
from payments.attempts import services as attempts
from payments.attempts import settlement
from payments.gateways.paypal.messages import create_body
from payments.health import report
from payments.models import Payment
from payments.purchase import purchase_of
from payments.refunds import plan as refund_plan
from payments.refunds.plan import NothingToRefund, RefundRequest, TooMuch, plan_refund, refundable_of
from payments.sandbox import store
from payments.tests.harness.card_page import posted
from payments.tests.harness.refund_scenes import assert_books_agree, at_paypal, give
from payments.tests.harness.unionpay_sandbox import encrypted_card
from shop import clock

pytestmark = pytest.mark.django_db

Scope = Promotion.Scope


@pytest.fixture
def buy(gateway, approve):
    """A paid order of these things with this code."""

    def paid(code, *things):
        cart = make_cart(*things)
        cart.promo_code = code
        order = place(cart)
        started = attempts.pay(order.pk, method=Payment.Method.PAYPAL, revision=order.revision)
        approve(started.approve_url)
        settlement.settle(started)
        order.refresh_from_db()
        assert order.is_paid
        return order

    return paid


def unit_at_paypal(order):
    return store.get("paypal-order", order.payments.get().gateway_id)["unit"]


def reds():
    """What money health finds wrong; the card service, which is not set up here, aside."""
    return [check.name for check in report.checks() if check.state == "red" and check.name != "certificates"]


def test_paypal_lists_the_items_at_their_price_and_the_discount_apart(buy):
    make_promotion(percent=15)
    order = buy("TEST10", (make_goods(price="33.33"), 3), (make_service(price="1280.00"), 1))
    unit = unit_at_paypal(order)
    parts = {name: part["value"] for name, part in unit["amount"]["breakdown"].items()}
    assert parts == {"item_total": "1379.99", "shipping": "30.00", "discount": "15.00"}
    assert unit["amount"]["value"] == str(order.total) == "1394.99"
    assert [item["unit_amount"]["value"] for item in unit["items"]] == ["33.33", "1280.00"]
    assert reds() == []


def test_free_shipping_by_code_is_shipping_of_nothing_as_on_our_page(buy):
    make_promotion("POST0", kind=Promotion.Kind.FREE_SHIPPING)
    order = buy("POST0", (make_goods(price="168.00"), 1))
    parts = {name: part["value"] for name, part in unit_at_paypal(order)["amount"]["breakdown"].items()}
    assert parts == {"item_total": "168.00", "shipping": "0.00"}


def test_each_piece_goes_back_at_what_was_paid_for_it_and_together_they_are_the_line(buy):
    make_promotion(percent=10)
    order = buy("TEST10", (make_goods(price="33.35"), 3))  # 100.05 less 10.01: 90.04 for three
    line = order.lines.get()
    assert line.net_total == Decimal("90.04")
    amounts = [give(order, RefundRequest(quantities={line.pk: 1})).amount for _ in range(3)]
    assert sum(amounts) == line.net_total
    assert max(amounts) - min(amounts) <= Decimal("0.01")
    assert_books_agree(order)
    line.refresh_from_db()
    assert line.is_refunded
    assert refundable_of(order).money == order.shipping_total
    with pytest.raises(TooMuch):
        plan_refund(order, RefundRequest(amounts={line.pk: Decimal("0.01")}))


@pytest.mark.parametrize("parts", sorted(set(permutations([1, 2, 4]))))
def test_pieces_in_any_parts_add_up_to_the_line(parts):
    make_promotion(kind=Promotion.Kind.AMOUNT, amount=Decimal("10.00"))
    cart = make_cart((make_goods(price="9.99"), 7))
    cart.promo_code = "TEST10"
    line = place(cart).lines.get()
    given, quantity = Decimal(0), line.quantity
    for part in parts:
        left = refund_plan.RefundableLine(line, quantity, line.net_total - given, quantity, 0)
        given, quantity = given + left.price_of(part), quantity - part
    assert given == line.net_total == Decimal("59.93")


REPORTED = [  # price and pieces of each line, the code, what it takes off
    ([("13.49", 1), ("14.49", 1)], {"percent": 50, "named": 1}, "6.75"),
    ([("14.49", 5)], {"percent": 10}, "7.25"),
    ([("20.00", 6)], {"kind": "amount", "amount": Decimal("33.33")}, "33.33"),
    ([("19.99", 3)], {"percent": 100}, "59.97"),
]


def test_the_sums_of_public_reports_are_exact_and_their_pieces_add_up():
    for number, (lines, fields, off) in enumerate(REPORTED):
        things = [
            (make_goods(f"TEA-{number}{place}", price=price), pieces)
            for place, (price, pieces) in enumerate(lines)
        ]
        named = [variant for variant, _ in things[: fields.pop("named", 0)]]
        make_promotion(f"CODE{number}", products=named, **fields, **({"scope": Scope.NAMED} if named else {}))
        cart = make_cart(*things)
        cart.promo_code = f"CODE{number}"
        order = place(cart)
        rows = list(order.lines.all())
        assert order.discount_total == sum(row.total - row.net_total for row in rows) == Decimal(off)
        assert order.total == sum(row.net_total for row in rows) + order.shipping_total
        started = {"amount": order.total, "currency": "HKD", "started_at": clock.now()}
        body = create_body(purchase_of(Payment(order=order, **started)))
        told = body["purchase_units"][0]["amount"]
        assert (told["value"], told["breakdown"]["discount"]["value"]) == (str(order.total), off)
        for row in rows:
            left = row.net_total
            for quantity in range(row.quantity, 0, -1):
                left -= refund_plan.RefundableLine(row, quantity, left, quantity, 0).price_of(1)
            assert left == 0


def test_everything_goes_back_and_is_what_was_paid(buy):
    make_promotion(percent=15)
    order = buy("TEST10", (make_goods(price="33.33"), 3), (make_service(price="1280.00"), 1))
    refund = give(order, refundable_of(order).everything())
    assert refund.amount == order.total == order.refunded_total == at_paypal(order.payments.get())
    assert sum(line.refunded_total for line in order.lines.all()) == order.total - order.shipping_total
    with pytest.raises(NothingToRefund):
        refundable_of(order)
    assert_books_agree(order)
    assert reds() == []


def test_what_a_code_made_free_stays_readable_until_its_whole_order_goes_back(buy):
    sv, tea = make_service(price="200.00"), make_goods(price="168.00")
    make_promotion("SV200", kind="amount", amount=Decimal(200), scope=Scope.NAMED, products=[sv])
    order = buy("SV200", (sv, 1), (tea, 1))
    free, paid = order.lines.get(kind="service"), order.lines.get(kind="goods")
    assert (free.net_total, order.total) == (Decimal(0), Decimal("198.00"))
    assert not free.is_refunded
    assert free.cases.model.objects.open().filter(line=free).exists()

    plan = plan_refund(order, RefundRequest(quantities={paid.pk: 1}))
    assert (plan.total, plan.closes) == (Decimal("168.00"), ())
    assert [kept.line for kept in plan.keeps] == [free]
    give(order, RefundRequest(quantities={paid.pk: 1}))
    assert free.cases.model.objects.open().filter(line=free).exists()

    assert plan_refund(order, refundable_of(order).everything()).closes == (free,)
    give(order, refundable_of(order).everything())
    assert not free.cases.model.objects.open().filter(line=free).exists()
    assert order.is_refunded


def test_a_discounted_service_closes_when_what_was_paid_for_it_goes_back(buy):
    sv = make_service(price="1280.00")
    make_promotion("SV200", kind="amount", amount=Decimal(200), scope=Scope.NAMED, products=[sv])
    order = buy("SV200", (sv, 1), (make_goods(), 1))
    line = order.lines.get(kind="service")
    assert plan_refund(order, RefundRequest(amounts={line.pk: Decimal("1079.99")})).closes == ()
    give(order, RefundRequest(quantities={line.pk: 1}))
    line.refresh_from_db()
    assert (line.refunded_total, line.is_refunded) == (Decimal("1080.00"), True)
    assert not line.cases.model.objects.open().filter(line=line).exists()


# --- a personal code that another order of the address has used meanwhile ---


@pytest.fixture
def two_with_one_code():
    """Orders of one address, from two networks: both wait, and the code is good for one."""
    make_promotion(once_per_email=True)
    tea = make_goods(on_hand=9)
    return [order_from(origin, cart=coded("TEST10", (tea, 1))) for origin in (HERE, ELSEWHERE)]


def test_the_second_order_with_a_personal_code_is_not_begun_to_be_paid_and_its_buyer_is_told(
    two_with_one_code, gateway, client
):
    first, second = two_with_one_code
    pay(first)
    page = client.post(
        reverse("payments:pay", args=[second.token]),
        {"method": "paypal", "revision": second.revision},
        follow=True,
    )
    told = " ".join(page.content.decode().split())
    assert "was used meanwhile by another order with this e-mail address" in told
    assert "No money was taken" in told
    assert not Payment.objects.exists()


@pytest.mark.usefixtures("sms_contract")
def test_the_page_that_asks_for_the_banks_code_leads_on_as_well(two_with_one_code, client):
    first, second = two_with_one_code
    card = posted(encrypted_card(phone="85251234567"))
    asked = client.post(reverse("payments:send_code", args=[second.token]), card)
    assert asked.json()["sent"]
    pay(first)
    entered = card | {"method": "unionpay", "sms_code": "111111"}
    for name, values in [("pay_with_code", entered), ("send_code", card)]:
        answer = client.post(reverse(f"payments:{name}", args=[second.token]), values).json()
        assert answer == {"go": second.get_absolute_url()}, name
    told = client.get(second.get_absolute_url()).content.decode()
    assert "was used meanwhile by another order with this e-mail address" in told
    assert "No money was taken" in told


@pytest.mark.parametrize("is_opened", [False, True])
def test_a_code_that_is_gone_is_off_the_cart_of_its_order_and_nothing_is_said_that_is_not_known(
    gateway, client, is_opened
):
    make_promotion(once_per_email=True)
    tea = make_goods(on_hand=9)
    add(client, tea)
    client.post(reverse("checkout:promo"), {"code": "TEST10"})
    order = Order.objects.get(token=post(client).url.split("/")[-2])
    assert order.discount_total
    if is_opened:
        attempts.get_or_create_attempt(order.pk, method=Payment.Method.UNIONPAY_PAGE, revision=order.revision)
    pay(order_from(ELSEWHERE, cart=coded("TEST10", (tea, 1)), email=order.email))
    choice = {"method": "paypal", "revision": order.revision}
    page = client.post(reverse("payments:pay", args=[order.token]), choice, follow=True)
    assert page.redirect_chain[-1][0] == URL
    assert (page.context["quote"].discount_total, page.context["cart"].promo_code) == (0, "")
    told = " ".join(page.content.decode().split())
    assert ("No money was taken" in told) is not is_opened
    assert "without the code" in told


def test_what_was_approved_at_paypal_with_a_code_that_is_gone_is_not_captured(
    two_with_one_code, gateway, approve, client
):
    first, second = two_with_one_code
    started = attempts.pay(second.pk, method=Payment.Method.PAYPAL, revision=second.revision)
    approve(started.approve_url)
    pay(first)
    payment = settlement.settle(started)
    second.refresh_from_db()
    assert (payment.status, second.status) == (Payment.Status.DECLINED, second.Status.PENDING)
    page = client.get(reverse("payments:pay", args=[second.token])).content.decode()
    assert "was used meanwhile by another order with this e-mail address" in page
    assert store.get("paypal-order", started.gateway_id)["status"] == "APPROVED"
