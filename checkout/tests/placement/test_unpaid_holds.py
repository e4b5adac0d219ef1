"""Goods that are kept for orders nobody pays: so many from one network and its surroundings, for so long."""

import datetime as dt

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from cart.cart import Cart
from checkout import services, stock
from checkout.models import Draft, HoldOrigin, Order
from checkout.placement import unpaid_holds
from checkout.quote import make_quote
from checkout.stock import Origin, TooManyUnpaid, TooMuchHeld
from checkout.tests.scenes import add, make_cart, make_goods, make_service, pay, place, post, submission
from shop import clock
from shop.tests.harness.races import at_once

HERE = Origin("here", "around")
NEXT_DOOR = Origin("next door", "around")
ELSEWHERE = Origin("elsewhere", "far")


def order_from(origin: Origin, *things, cart: Cart | None = None, **changes) -> Order:
    cart = cart or make_cart(*things)
    draft, _ = Draft.objects.get_or_create(token=cart.token)
    typed = submission(cart, **changes)
    return services.place_order(draft.pk, typed, make_quote(cart, typed.region, ""), origin=origin)


def end(order: Order) -> None:
    services.cancel(order.pk, actor="nobody paid")


def later(monkeypatch, **time):
    moment = clock.now() + dt.timedelta(**time)
    monkeypatch.setattr(clock, "now", lambda: moment)


# --- how much of one product ---


@pytest.mark.django_db
def test_unpaid_orders_of_one_network_do_not_take_all_there_is_again_and_again():
    tea = make_goods(on_hand=15)
    first = order_from(HERE, (tea, 6))
    with pytest.raises(TooMuchHeld) as refused:
        order_from(NEXT_DOOR, (tea, 3))
    assert refused.value.left == {tea.pk: 2}
    order_from(HERE, (tea, 2))
    with pytest.raises(TooMuchHeld) as refused:
        order_from(HERE, (tea, 1))
    assert refused.value.left == {tea.pk: 0}
    assert order_from(ELSEWHERE, (tea, 5)), "others are not held up by it"
    pay(first)
    assert order_from(HERE, (tea, 1)), "what was paid for is no hold"


@pytest.mark.django_db
@pytest.mark.parametrize(("on_hand", "share"), [(2, 1), (3, 2), (9, 5)])
def test_the_first_order_may_take_the_last_pieces_and_after_it_lapsed_half_of_them(on_hand, share):
    tea = make_goods(on_hand=on_hand)
    end(order_from(HERE, (tea, on_hand)))
    if share < on_hand:
        with pytest.raises(TooMuchHeld):
            order_from(NEXT_DOOR, (tea, on_hand))
    assert order_from(HERE, (tea, share))


@pytest.mark.django_db
def test_a_day_later_it_is_forgotten(monkeypatch):
    tea = make_goods(on_hand=4)
    end(order_from(HERE, (tea, 4)))
    later(monkeypatch, days=1, minutes=1)
    assert order_from(HERE, (tea, 4))
    assert HoldOrigin.objects.count() == 2
    call_command("forget")
    assert HoldOrigin.objects.count() == 1


@pytest.mark.django_db
def test_a_cart_that_is_ordered_anew_is_one_order_for_an_hour(monkeypatch):
    tea = make_goods(on_hand=4)
    cart = make_cart((tea, 4))
    order = order_from(HERE, cart=cart)
    assert order_from(HERE, cart=cart, recipient="Mei Lan Chan") == order
    later(monkeypatch, minutes=61)
    with pytest.raises(TooMuchHeld):
        order_from(HERE, cart=cart, recipient="Mei Chan")
    assert Order.objects.get().recipient == "Mei Lan Chan", "nothing has changed"


@pytest.mark.django_db
@pytest.mark.parametrize(("on_hand", "minutes"), [(1, 0), (1, 170), (3, 0)])
def test_the_last_piece_that_lapsed_is_left_to_others_as_long_as_it_was_held(on_hand, minutes, monkeypatch):
    later(monkeypatch)  # time stands still
    seal = make_goods(on_hand=on_hand)
    if on_hand > 1:
        order_from(Origin("third", "third"), (seal, on_hand - 1))
    first = order_from(HERE, (seal, 1))
    if minutes:
        services.begin_payment(first, minutes=30)
        later(monkeypatch, minutes=minutes)
    end(first)
    for cart in (None, make_cart((seal, 1))):
        with pytest.raises(TooMuchHeld) as refused:
            order_from(NEXT_DOOR, (seal, 1), cart=cart)
    (told,) = unpaid_holds.sentences(refused.value, {seal.pk: seal})
    assert f"try again in {max(60, minutes)} minutes" in told
    end(order_from(ELSEWHERE, (seal, 1)))
    later(monkeypatch, minutes=max(60, minutes) + 1)
    assert order_from(HERE, (seal, 1))


@pytest.mark.django_db
def test_a_buyer_whose_payment_failed_goes_on_with_the_last_piece_for_a_visit(monkeypatch):
    seal = make_goods(on_hand=1)
    cart = make_cart((seal, 1))
    for minutes in (0, 20, 39):
        later(monkeypatch, minutes=minutes)
        end(order_from(HERE, cart=cart))
    later(monkeypatch, minutes=2)
    with pytest.raises(TooMuchHeld):
        order_from(HERE, cart=cart)


# --- how many orders ---


@pytest.mark.django_db
def test_an_address_has_three_unpaid_orders_and_nobody_elsewhere_takes_them_from_its_owner():
    tea = make_goods(on_hand=90)
    for _ in range(settings.UNPAID_PER_ADDRESS):
        last = order_from(HERE, (tea, 1), email="mei@example.com")
    with pytest.raises(TooManyUnpaid) as refused:
        order_from(HERE, (tea, 1), email="MEI@example.com")
    assert refused.value.of_address
    assert order_from(HERE, (tea, 1), email="other@example.com")
    assert order_from(ELSEWHERE, (tea, 1), email="mei@example.com")
    end(last)
    assert order_from(HERE, (tea, 1), email="mei@example.com")


@pytest.mark.django_db
@pytest.mark.parametrize("networks", [1, 100])
def test_a_network_and_its_surroundings_have_so_many(networks, monkeypatch):
    monkeypatch.setattr(settings, "UNPAID_PER_NETWORK", 4)
    tea = make_goods(on_hand=90)
    most = 4 if networks == 1 else stock.AROUND * 4
    for number in range(most):
        order_from(Origin(f"{number % networks}", "around"), (tea, 1), email=f"m{number}@example.com")
    with pytest.raises(TooManyUnpaid) as refused:
        order_from(Origin(f"{most % networks}", "around"), (tea, 1), email="last@example.com")
    assert not refused.value.of_address
    assert order_from(ELSEWHERE, (tea, 1), email="last@example.com")


@pytest.mark.django_db
def test_services_hold_no_goods_and_are_counted_all_the_same():
    service = make_service()
    for _ in range(settings.UNPAID_PER_ADDRESS):
        order_from(HERE, (service, 1))
    with pytest.raises(TooManyUnpaid):
        order_from(HERE, (service, 1))
    assert HoldOrigin.objects.count() == settings.UNPAID_PER_ADDRESS


@pytest.mark.django_db
@pytest.mark.parametrize("ending", [end, services.expire])
def test_placing_and_not_paying_again_and_again_ends(ending, monkeypatch):
    service, hour, day = make_service(), 2 * settings.UNPAID_PER_ADDRESS, 4 * settings.UNPAID_PER_ADDRESS
    for _ in range(hour):  # a family that changes its mind
        ending(order_from(HERE, (service, 1)))
    with pytest.raises(TooManyUnpaid) as refused:
        order_from(HERE, (service, 1))
    assert refused.value.of_address
    assert order_from(HERE, (service, 1), email="other@example.com"), "others of the network order"
    assert order_from(ELSEWHERE, (service, 1)), "and its owner elsewhere"
    assert refused.value.until <= clock.now() + dt.timedelta(hours=1)
    later(monkeypatch, minutes=61)
    for _ in range(day - hour):
        ending(order_from(HERE, (service, 1)))
    later(monkeypatch, minutes=61)
    with pytest.raises(TooManyUnpaid):
        order_from(HERE, (service, 1))
    later(monkeypatch, days=1)
    assert order_from(HERE, (service, 1))


@pytest.mark.django_db
def test_a_network_may_not_place_without_end_under_many_addresses(monkeypatch):
    monkeypatch.setattr(settings, "UNPAID_PER_NETWORK", 4)
    service = make_service()
    for number in range(8):
        end(order_from(HERE, (service, 1), email=f"m{number}@example.com"))
    with pytest.raises(TooManyUnpaid) as refused:
        order_from(HERE, (service, 1), email="last@example.com")
    assert not refused.value.of_address
    assert order_from(NEXT_DOOR, (service, 1), email="last@example.com")


@pytest.mark.django_db
def test_what_was_paid_is_not_counted():
    service = make_service()
    for _ in range(2 * settings.UNPAID_PER_ADDRESS + 1):
        pay(order_from(HERE, (service, 1)))


@pytest.mark.django_db
def test_a_cart_is_one_order_in_its_visit_and_not_without_end():
    service, most = make_service(), 2 * settings.UNPAID_PER_ADDRESS
    cart = make_cart((service, 1))
    for number in range(most):
        end(order_from(HERE, cart=cart, email=f"m{number}@example.com"))
    with pytest.raises(TooManyUnpaid):
        order_from(HERE, cart=cart, email="last@example.com")
    cart = make_cart((service, 1))
    for number in range(stock.MOST_REVISIONS):
        order = order_from(HERE, cart=cart, email=f"m{number}@example.com")
    assert order.revision == stock.MOST_REVISIONS
    with pytest.raises(TooManyUnpaid):
        order_from(HERE, cart=cart, email="last@example.com")


@pytest.mark.django_db
@pytest.mark.parametrize(("of_address", "words"), [(True, "this e-mail address"), (False, "your network")])
def test_whoever_placed_too_many_reads_when_to_try_again(of_address, words):
    for hours, when in ((1, "in an hour"), (9, "in 9 hours")):
        until = clock.now() + dt.timedelta(hours=hours, minutes=-1)
        (told,) = unpaid_holds.sentences(TooManyUnpaid(of_address=of_address, until=until), {})
        assert words in told
        assert when in told


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_as_many_are_placed_as_may_be():
    tea = make_goods(on_hand=90)
    carts = [make_cart((tea, 1)) for _ in range(8)]
    results = at_once(*(lambda cart=cart: order_from(HERE, cart=cart) for cart in carts))
    placed = [result for result in results if isinstance(result, Order)]
    refused = [result for result in results if isinstance(result, TooManyUnpaid)]
    assert (len(placed), len(refused)) == (settings.UNPAID_PER_ADDRESS, 8 - settings.UNPAID_PER_ADDRESS)
    tea.refresh_from_db()
    assert tea.reserved == settings.UNPAID_PER_ADDRESS


# --- how long ---


@pytest.mark.django_db
def test_goods_are_kept_for_ten_minutes_and_while_a_payment_is_under_way_up_to_three_hours(monkeypatch):
    order = place(make_cart((make_goods(), 1)))
    assert order.hold_until - order.placed_at <= dt.timedelta(minutes=10, seconds=5)
    start = clock.now()
    for minutes in range(0, 150, 29):
        monkeypatch.setattr(clock, "now", lambda m=minutes: start + dt.timedelta(minutes=m))
        services.begin_payment(order, minutes=30)
        assert order.hold_until == clock.now() + dt.timedelta(minutes=30)
    later(monkeypatch, minutes=29)
    with pytest.raises(services.NotPayable):
        services.begin_payment(order, minutes=30)


@pytest.mark.django_db
def test_an_order_that_is_changed_again_and_again_holds_nothing_for_more_than_three_hours(monkeypatch):
    tea = make_goods(on_hand=10)
    start, cart = clock.now(), make_cart((tea, 5))
    for number in range(30):
        moment = start + number * dt.timedelta(minutes=9, seconds=50)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        last = order_from(HERE, cart=cart, delivery_note=f"note {number}")
        assert (last.status, last.hold_until > clock.now()) == (Order.Status.PENDING, True)
    held = [order.hold_until - order.placed_at for order in Order.objects.all()]
    assert len(held) == 2, "from then on it is another order, and counts like one"
    assert max(held) <= dt.timedelta(hours=3)
    tea.refresh_from_db()
    assert tea.reserved == 5


# --- on the pages ---


@pytest.mark.django_db
def test_a_buyer_is_told_what_to_do_and_loses_nothing():
    tea = make_goods(on_hand=4)
    for expected in ("", "can be kept for you", "is kept for an earlier order"):
        browser = Client()
        add(browser, tea, 4 if expected == "" else 3 if "can" in expected else 1)
        if "is kept" in expected:
            order_of(tea, 2)
        response = post(browser, recipient="Mei Lan Chan")
        if not expected:
            assert response.status_code == 302
            end(Order.objects.get())
            continue
        page = response.content.decode()
        assert expected in page
        assert 'id="refusal"' in page
        assert 'value="Mei Lan Chan"' in page
        assert "Mei Lan Chan" in browser.get("/en/checkout/").content.decode()


def order_of(tea, quantity):
    browser = Client()
    add(browser, tea, quantity)
    assert post(browser).status_code == 302


@pytest.mark.django_db
def test_a_product_without_a_limit_of_its_own_has_that_of_the_shop(monkeypatch):
    monkeypatch.setattr(settings, "MOST_PER_ORDER", 5)
    assert make_cart((make_goods(on_hand=50), 9)).count == 5
    assert make_cart((make_goods("TEA-901", on_hand=50, max_per_order=8), 9)).count == 8
