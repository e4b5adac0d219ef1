"""Killed at any instruction, the shop recovers.

A real process dies by SIGKILL at the named point. Nobody repairs anything; the buyer does what buyers do
(reloads, clicks again) or is gone.

The points are those of docs/failures.md. Each test that is not marked ``prove`` runs in ``make test`` too.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import pytest
import requests

from payments.tests.harness.rehearsal import arm, disarm
from shop.tests.harness.buyer import Buyer, forms_on
from shop.tests.harness.stacks.crash_stack import CrashStack

TEA = "jasmine-silver-needle"
RECOVERY = 60.0  # seconds of the shop's clock
NEVER_SENT = 80 * 60.0  # UnionPay's page and fields are open for an hour; only then is silence an answer
prove = pytest.mark.prove


@pytest.fixture
def buyer(shop):
    disarm(shop.stack.sandbox_url)
    buyer = Buyer(shop.stack, email=f"{uuid4().hex[:12]}@example.com")
    yield buyer
    buyer.close()


# --- what buyers do ---


def insist(action: Callable[[], requests.Response]) -> requests.Response:
    """Load it again where the browser only says that the connection was lost."""
    for _ in range(4):
        try:
            return action()
        except requests.ConnectionError:
            time.sleep(0.3)
    return action()


def place(buyer: Buyer) -> None:
    """From the product to the payment page. Who does not get there presses the button again."""
    buyer.add_to_cart(TEA)
    insist(lambda: buyer.post_checkout(buyer.checkout_form()))
    assert buyer.token


def press_pay_until_sent_on(shop: CrashStack, buyer: Buyer, method: str, **card: str) -> requests.Response:
    """Click, wait on the progress page where that is shown, click again where the payment page comes back."""
    answer = insist(lambda: buyer.press_pay(method, **card))
    for _ in range(20):
        target = answer.headers.get("Location", "")
        if answer.status_code == 200 and "orderId" in answer.text:
            return answer  # the form that leads to UnionPay
        if target and not target.startswith("/"):
            return answer  # PayPal
        if target == buyer.pay_path:
            answer = insist(lambda: buyer.press_pay(method, **card))
            continue
        shop.later(10)
        time.sleep(0.5)
        answer = insist(lambda: buyer.get(f"{buyer.pay_path}progress/", allow_redirects=False))
    raise AssertionError(f"never sent on: {answer.status_code} {target}")


def pay_by_paypal(shop: CrashStack, buyer: Buyer) -> None:
    back = agree_at_paypal(shop, buyer)
    insist(lambda: buyer.get(back))


def agree_at_paypal(shop: CrashStack, buyer: Buyer) -> str:
    sent_on = press_pay_until_sent_on(shop, buyer, "paypal")
    return buyer.approve_at_paypal(sent_on.headers["Location"])


def pay_on_unionpays_page(shop: CrashStack, buyer: Buyer) -> None:
    paid = buyer.pay_at_unionpay(press_pay_until_sent_on(shop, buyer, "unionpay"))
    insist(lambda: buyer.come_back_from_unionpay(paid))


def pay_on_unionpays_page_and_leave(shop: CrashStack, buyer: Buyer) -> None:
    buyer.pay_at_unionpay(press_pay_until_sent_on(shop, buyer, "unionpay"))


def pay_by_paypal_and_leave(shop: CrashStack, buyer: Buyer) -> None:
    """The tab is closed at PayPal: only its notification and the sweep are left."""
    agree_at_paypal(shop, buyer)


def pay_by_card(shop: CrashStack, buyer: Buyer) -> None:
    """Types the card and presses Pay; types it again where the payment page comes back; else waits."""
    for _ in range(3):
        page = insist(lambda: buyer.get(buyer.pay_path))
        if page.url.endswith(buyer.pay_path):
            with suppress(requests.ConnectionError):
                buyer.press_pay("unionpay", **buyer.encrypted_card())
        time.sleep(0.5)


# --- while an order is placed and paid ---


def point(name: str, pay: Callable[[CrashStack, Buyer], None], *rows: str, quick: bool = False):
    """A row of the table: where it dies, how the buyer pays, which rows of the failure model that shows."""
    marks = [pytest.mark.failure(*rows), *([] if quick else [prove])]
    return pytest.param(name, pay, id=f"{name}-{pay.__name__}", marks=marks)


@pytest.mark.parametrize(
    ("name", "pay"),
    [
        point("before_order_placed", pay_by_paypal, "F01"),
        point("after_stock_reserved", pay_by_paypal, "F02"),
        point("after_attempt_stored", pay_by_paypal, "F03"),
        point("after_attempt_stored", pay_on_unionpays_page, "F03"),
        point("after_attempt_stored", pay_by_card, "F03"),
        point("before_gateway_started", pay_by_paypal, "F03"),
        point("before_gateway_started", pay_on_unionpays_page, "F03"),
        point("after_gateway_started", pay_by_paypal, "F04"),
        point("after_gateway_started", pay_on_unionpays_page, "F04"),
        point("after_gateway_started", pay_by_card, "F04", "F09"),
        point("after_start_recorded", pay_by_paypal, "F05"),
        point("after_start_recorded", pay_on_unionpays_page, "F05"),
        point("after_start_recorded", pay_by_card, "F05"),
        point("before_buyer_redirected", pay_by_paypal, "F05"),
        point("before_notification_committed", pay_by_paypal_and_leave, "F06"),
        point("before_notification_committed", pay_on_unionpays_page_and_leave, "F06"),
        point("after_notification_committed", pay_by_paypal_and_leave, "F07"),
        point("after_notification_committed", pay_on_unionpays_page_and_leave, "F07"),
        point("before_event_processed", pay_by_paypal_and_leave, "F08"),
        point("before_event_processed", pay_on_unionpays_page_and_leave, "F08"),
        point("before_capture", pay_by_paypal, "F09"),
        point("before_capture", pay_by_paypal_and_leave, "F09"),
        point("before_capture_recorded", pay_by_paypal, "F09", quick=True),
        point("before_capture_recorded", pay_by_paypal_and_leave, "F09"),
        point("after_outcome_fetched", pay_by_paypal, "F09"),
        point("after_outcome_fetched", pay_on_unionpays_page, "F09"),
        point("after_outcome_fetched", pay_by_card, "F09"),
        point("before_outcome_committed", pay_by_paypal, "F10"),
        point("before_outcome_committed", pay_by_paypal_and_leave, "F10"),
        point("before_outcome_committed", pay_on_unionpays_page, "F10"),
        point("before_outcome_committed", pay_by_card, "F10", quick=True),
        point("after_outcome_recorded", pay_by_paypal, "F11"),
        point("after_outcome_recorded", pay_on_unionpays_page, "F11"),
        point("after_outcome_recorded", pay_by_card, "F11"),
        point("before_worker_woken", pay_by_paypal, "F11"),
        point("after_message_claimed", pay_by_paypal, "F12"),
        point("after_delivery_recorded", pay_by_paypal, "F12"),
    ],
)
def test_who_pays_gets_one_paid_order_whatever_dies(shop, buyer, record_property, name, pay):
    workers = shop.worker_deaths()
    with shop.killed_at(name):
        place(buyer)
        pay(shop, buyer)
    seconds = shop.wait_for_orders(buyer.email, "paid", within=RECOVERY)
    record_property("figure", f"{name} {pay.__name__}: paid after {seconds:.0f} s of the shop's clock")
    shop.wait_until_quiet(buyer.email)
    assert shop.attempts(buyer.email) == 1
    shop.assert_confirmed(buyer.email, worker_died=shop.worker_deaths() > workers)
    assert buyer.sees("Order Confirmation")
    shop.assert_in_order(buyer.email)


@prove
@pytest.mark.failure("F09", "F55")
def test_a_capture_that_nobody_noted_is_found_within_a_minute_however_late_it_was(
    shop, buyer, record_property
):
    """After 25 minutes an unpaid attempt is asked about rarely; PayPal's notifications are lost."""
    place(buyer)
    sent_on = press_pay_until_sent_on(shop, buyer, "paypal")
    shop.pass_time(25 * 60, rounds=6)
    for _ in range(2):  # APPROVED and COMPLETED
        arm(shop.stack.sandbox_url, gateway="paypal", on="webhook", fault="lost")
    with shop.killed_at("before_capture_recorded"):
        back = buyer.approve_at_paypal(sent_on.headers["Location"])
        with suppress(requests.ConnectionError):
            page = buyer.get(back)
            if shop.armed.exists():  # the sweep was asking in that moment: the page loads itself again
                time.sleep(2)
                buyer.get(page.url)
    page = insist(lambda: buyer.get(buyer.pay_path))
    assert page.url.endswith("/progress/"), "the buyer must not be asked to pay again"
    seconds = shop.wait_for_orders(buyer.email, "paid", within=RECOVERY)
    record_property(
        "figure", f"before_capture_recorded after 25 minutes: paid after {seconds:.0f} s of the shop's clock"
    )
    shop.wait_until_quiet(buyer.email)
    shop.assert_confirmed(buyer.email)
    shop.assert_in_order(buyer.email)


@prove
@pytest.mark.failure("F03")
def test_a_card_that_was_never_sent_is_known_to_be_unpaid_and_its_goods_are_sold_again(shop, buyer):
    """Killed between "the money may be taken" and the first byte: only UnionPay can tell, in time it does."""
    place(buyer)
    with shop.killed_at("before_gateway_started"):
        pay_by_card(shop, buyer)
    page = insist(lambda: buyer.get(buyer.pay_path))
    assert page.url.endswith("/progress/")
    shop.wait_for_orders(buyer.email, "expired", within=NEVER_SENT)
    shop.wait_until_quiet(buyer.email)
    assert shop.mails(buyer.email) == {}
    shop.assert_in_order(buyer.email)


@prove
@pytest.mark.failure("F13")
def test_a_mail_handed_over_by_a_worker_that_then_died_comes_again_as_the_same_mail(shop, buyer):
    with shop.killed_at("before_delivery_recorded"):
        place(buyer)
        pay_by_paypal(shop, buyer)
    shop.wait_for_orders(buyer.email, "paid", within=RECOVERY)
    shop.wait_until_quiet(buyer.email)
    shop.assert_confirmed(buyer.email, worker_died=True)
    shop.assert_in_order(buyer.email)


# --- while an order expires ---


@prove
@pytest.mark.failure("F03")
@pytest.mark.parametrize("name", ["before_expiry", "before_expiry_committed"])
@pytest.mark.parametrize("method", ["paypal", "unionpay"])
def test_an_order_that_nobody_pays_expires_once_and_frees_its_goods(shop, buyer, name, method):
    place(buyer)
    press_pay_until_sent_on(shop, buyer, method)
    shop.pass_time(25 * 60, rounds=1)
    with shop.killed_at(name):
        shop.pass_time(45 * 60, rounds=5)
    shop.wait_for_orders(buyer.email, "expired", within=RECOVERY)
    shop.wait_until_quiet(buyer.email)
    assert buyer.sees("The time to pay has run out")
    assert shop.mails(buyer.email) == {}
    shop.assert_in_order(buyer.email)


# --- while money goes back ---


def pay_twice(shop: CrashStack, buyer: Buyer) -> None:
    """On UnionPay's page and, in another tab, by PayPal. The first has been given up by then."""
    handoff = press_pay_until_sent_on(shop, buyer, "unionpay")
    pay_by_paypal(shop, buyer)
    buyer.wait_until_paid()
    buyer.pay_at_unionpay(handoff)


@prove
@pytest.mark.failure("F45", "F54")
@pytest.mark.parametrize(
    "name", ["after_refund_committed", "before_refund_recorded", "after_refund_recorded"]
)
def test_surplus_money_goes_back_once_by_itself(shop, buyer, record_property, name):
    workers = shop.worker_deaths()
    place(buyer)
    with shop.killed_at(name):
        pay_twice(shop, buyer)
    seconds = shop.wait_until_quiet(buyer.email)
    record_property("figure", f"{name}: surplus money back after {seconds:.0f} s of the shop's clock")
    assert [status for _, status in shop.orders(buyer.email)] == ["paid"]
    assert len(shop.given_back(buyer.number)) == 1
    assert shop.mails(buyer.email)["Cloud Inkstone: Refund"] in {1, 1 + shop.worker_deaths() - workers}
    shop.assert_in_order(buyer.email)


def refund_everything(shop: CrashStack, buyer: Buyer) -> None:
    """A merchant in the admin: everything that is left, look at the preview, agree."""
    merchant = Buyer(shop.stack, email="")
    password = shop.stack.logins["merchant"]
    merchant.get("/en/admin/login/")
    merchant.post("/en/admin/login/?next=/en/", {"username": "merchant", "password": password})
    statement = "SELECT id FROM checkout_order WHERE number = %(number)s"
    path = f"/en/admin/payments/refund/order/{shop.rows(statement, number=buyer.number)[0][0]}/"
    chosen = next(form for form in forms_on(merchant.get(path)) if "reason" in form.fields)
    preview = merchant.post(path, {**chosen.fields, "action": "everything"})
    agreed = next(form for form in forms_on(preview) if "seen" in form.fields)
    insist(lambda: merchant.post(path, {**agreed.fields, "action": "refund"}))
    merchant.close()


@pytest.mark.failure("F45")
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("after_refund_committed", marks=prove),
        "before_refund_recorded",
        pytest.param("after_refund_recorded", marks=prove),
    ],
)
def test_a_refund_by_staff_is_done_once_whatever_dies(shop, buyer, name):
    """Through PayPal, asked for on the refund page; whoever loses the page presses the button again."""
    place(buyer)
    pay_by_paypal(shop, buyer)
    buyer.wait_until_paid()
    shop.wait_until_quiet(buyer.email)
    with shop.killed_at(name):
        refund_everything(shop, buyer)
    shop.wait_until_quiet(buyer.email)
    assert len(shop.given_back(buyer.number)) == 1
    assert buyer.sees("All the money of this order has gone back")
    shop.assert_in_order(buyer.email)
