"""The refund pages of the admin: choose, preview, agree; nothing lost, nothing twice."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from checkout.health.stock import stock_books
from checkout.models import Order, StockMovement
from checkout.shipping import fulfilment
from payments.attempts import settlement
from payments.gateways.base import RefundRefused
from payments.models import Dispute, Payment, Refund
from payments.sandbox.paypal import dashboard
from payments.tests.harness.refund_scenes import (
    SEES,
    SERVICE,
    SHIPPING,
    TEA,
    TOTAL,
    ask_for,
    assert_books_agree,
    give,
    service_of,
    some,
    staff,
    tea_of,
)
from payments.tests.refunds.page_scenes import hidden, order_page, page_of, shown, typed
from shop import clock

pytestmark = pytest.mark.django_db


PREVIEW, AGREE, CHANGE = ({"action": action} for action in ("preview", "refund", "change"))


def preview(merchant, order, values):
    response = merchant.post(page_of(order), values | PREVIEW)
    assert response.status_code == 200
    return response


def test_the_order_leads_to_the_refund_and_the_refund_shows_what_is_left(merchant, order):
    give(order, some(order, tea=1))
    page = merchant.get(order_page(order)).content.decode()
    assert page_of(order) in page
    assert "HK$2,926.00" in page
    text = shown(merchant.get(page_of(order)))
    assert "HK$2,758.00 of HK$2,926.00 can still be refunded" in text
    assert "Test tea" in text
    assert "Test consultation" in text


def test_the_preview_tells_everything_and_does_nothing(merchant, order):
    response = preview(merchant, order, typed(order, tea="2", service="2", shipping="10", reason="broken"))
    text = shown(response)
    for told in (
        "Test tea × 2 HK$336.00",
        "Test consultation × 2 HK$2,560.00",
        "Shipping fee HK$10.00",
        "Refund HK$2,906.00",
        "Stays with the shop HK$20.00",
        "PayPal shows it at once",
        "Test tea: 2 pieces will not be shipped any more.",
        "Test tea: 2 pieces go back into stock at once.",
        "Test consultation: the consultation reports close as soon as the money has gone back.",
        "Nothing that has not been sent already.",
        "Reason: broken",
    ):
        assert told in text
    assert not Refund.objects.exists()
    assert not StockMovement.objects.filter(kind="return").exists()


def test_the_preview_of_a_part_tells_what_the_customer_still_gets(merchant, order):
    fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1", quantities={tea_of(order).pk: 1}, actor="mei"
    )
    text = shown(preview(merchant, order, typed(order, tea="2", service="1")))
    for told in (
        "Test tea: 1 piece will not be shipped any more.",
        "Test tea: 1 piece goes back into stock at once.",
        "No consultation report closes.",
        "Test consultation: consultation reports stay open",
    ):
        assert told in text


def test_what_was_agreed_to_is_done_once_however_often_it_is_sent(merchant, order, deliver_outbox):
    agreed = hidden(preview(merchant, order, typed(order, tea="1", reason="goodwill"))) | AGREE
    for _ in range(3):
        response = merchant.post(page_of(order), agreed)
        assert response.url == order_page(order)
    refund = Refund.objects.get()
    assert (refund.amount, refund.actor, refund.reason) == (Decimal("168.00"), "staff-0", "goodwill")
    assert "The refund of HK$168.00 is on its way." in shown(merchant.get(response.url))
    deliver_outbox()
    merchant.post(page_of(order), agreed)  # Back, and again
    assert Refund.objects.count() == 1
    assert_books_agree(order)


def test_everything_is_one_click_then_the_preview(merchant, order):
    give(order, some(order, amount=Decimal("26.00")))
    response = merchant.post(page_of(order), {"action": "everything"})
    assert "Refund HK$2,900.00" in shown(response)
    merchant.post(page_of(order), hidden(response) | AGREE)
    assert Refund.objects.first().amount == TOTAL - 26


def test_the_way_back_from_the_preview_keeps_what_was_typed(merchant, order):
    sent = hidden(preview(merchant, order, typed(order, tea="1", amount="7.50", reason="scratch")))
    page = merchant.post(page_of(order), sent | CHANGE).content.decode()
    for value in ('value="1"', 'value="7.50"', 'value="scratch"'):
        assert value in page
    assert 'name="seen"' not in page


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tea": "3"}, "At most 2 here."),
        ({"tea": "-1"}, "Please enter 0 or more."),
        ({"tea": "1.5"}, "is no whole number"),
        ({"tea": "9" * 40}, "At most 2 here."),
        ({"service": "x"}, "is no whole number"),
        ({"shipping": "30.01"}, "At most HK$30.00."),
        ({"shipping": "1.001"}, "no more than 2 decimal places"),
        ({"amount": "NaN"}, "is not clear"),
        ({"amount": "1e9"}, "is not clear"),
        ({"amount": "-5"}, "greater than or equal to 0"),
        ({"tea": "2", "amount": "2800"}, "more than the HK$2,926.00"),
        ({}, "Please enter what is to be refunded."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_typed_is_lost(merchant, order, change, told):
    response = merchant.post(page_of(order), typed(order, reason="kept reason", **change) | PREVIEW)
    assert told in shown(response)
    assert "Please check the following" in shown(response)
    page = response.content.decode()
    assert "kept reason" in page
    for value in change.values():
        assert f'value="{value}"' in page
    assert not Refund.objects.exists()


def test_more_back_into_stock_than_is_refunded_is_told_at_its_field(merchant, order):
    restock = f"restock_{tea_of(order).pk}"
    response = merchant.post(page_of(order), typed(order, tea="1", **{restock: "2"}) | PREVIEW)
    assert f'href="#id_{restock}"' in response.content.decode()
    assert "At most 1 here." in shown(response)


def test_what_has_changed_since_the_preview_is_shown_before_anything_is_done(merchant, order):
    agreed = hidden(preview(merchant, order, typed(order, tea="2"))) | AGREE
    fulfilment.ship(
        order.pk, carrier="sf", tracking_number="SF1", quantities={tea_of(order).pk: 2}, actor="mei"
    )
    response = merchant.post(page_of(order), agreed)
    assert "Something has changed since you looked." in shown(response)
    assert "Test tea: nothing goes back into stock." in shown(response)
    assert not Refund.objects.exists()
    merchant.post(page_of(order), hidden(response) | AGREE)
    assert Refund.objects.get().amount == TEA


def test_a_colleague_who_was_faster_leaves_only_what_is_left(merchant, order):
    agreed = hidden(preview(merchant, order, typed(order, tea="2"))) | AGREE
    ask_for(order, some(order, tea=1))
    response = merchant.post(page_of(order), agreed)
    assert "At most 1 here." in shown(response)
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("change", [{"seen": "0" * 64}, {"key": "x"}, {"key": ""}, {"seen": ""}])
def test_only_a_preview_that_was_seen_can_be_agreed_to(merchant, order, change):
    agreed = hidden(preview(merchant, order, typed(order, tea="1"))) | AGREE | change
    assert merchant.post(page_of(order), agreed).status_code == 200
    assert not Refund.objects.exists()


@pytest.mark.parametrize("page", ["refund_order", "return_payment", "refund_explain", "refund_retry"])
def test_who_may_not_refund_sees_none_of_these_pages(client, order, payment, page):
    refund = ask_for(order, some(order, tea=1))
    target = {"refund_order": order, "return_payment": payment}.get(page, refund)
    staff(client, *SEES)
    url = reverse(f"admin:payments_{page}", args=[target.pk])
    assert client.get(url).status_code == 403
    assert client.post(url, AGREE).status_code == 403
    client.logout()
    assert client.get(url).status_code == 302


@pytest.mark.failure("F44")
def test_while_a_dispute_is_open_the_page_says_why_there_is_no_refund(merchant, order):
    Order.objects.update(is_disputed=True)
    response = merchant.get(page_of(order), follow=True)
    assert "While the complaint about this payment is open at the gateway" in shown(response)
    merchant.post(page_of(order), typed(order, tea="1", key=uuid.uuid4().hex) | AGREE)
    assert not Refund.objects.exists()


def test_an_order_without_money_leads_back(merchant, order):
    give(order, some(order, tea=2, service=2, shipping=SHIPPING))
    response = merchant.get(page_of(order), follow=True)
    assert "There is no money of this order left to refund." in shown(response)


# --- money that pays no order ---


@pytest.mark.failure("F40")
def test_money_that_pays_no_order_is_given_back_by_one_button(merchant, order, payment, deliver_outbox):
    Payment.objects.update(pays_order=False, needs_attention=True)
    Order.objects.update(status="expired")
    page = merchant.get(page_of(order)).content.decode()
    url = reverse("admin:payments_return_payment", args=[payment.pk])
    assert url in page
    assert url in merchant.get(reverse("admin:payments_payment_change", args=[payment.pk])).content.decode()
    asked = merchant.get(url)
    assert "HK$2,926.00" in shown(asked)
    for _ in range(3):
        response = merchant.post(url, hidden(asked) | {"reason": "wrong amount"})
        assert response.url == order_page(order)
    deliver_outbox()
    refund = Refund.objects.get()
    payment.refresh_from_db()
    assert (refund.status, refund.amount, refund.reason) == ("done", TOTAL, "wrong amount")
    assert not payment.needs_attention
    assert merchant.get(url).status_code == 302
    assert merchant.post(url, {"key": uuid.uuid4().hex}).status_code == 302
    assert Refund.objects.count() == 1


def test_unused_money_under_complaint_is_left_alone(merchant, order, payment):
    Payment.objects.update(pays_order=False)
    Dispute.objects.create(
        payment=payment, reference="PP-1", reason="X", status="OPEN", opened_at=clock.now()
    )
    merchant.post(reverse("admin:payments_return_payment", args=[payment.pk]), {"key": uuid.uuid4().hex})
    assert not Refund.objects.exists()


# --- refused, or made at the gateway ---


def test_a_refused_refund_is_tried_again_once(merchant, order, gateway, monkeypatch, deliver_outbox):
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "refund", lambda *_, **__: RefundRefused("NO_BALANCE"), raising=False)
        refund = give(order, some(order, tea=1))
    listed = merchant.get(reverse("admin:payments_refund_changelist"))
    url = reverse("admin:payments_refund_retry", args=[refund.pk])
    assert url in listed.content.decode()
    assert "NO_BALANCE" in shown(listed)
    asked = merchant.get(url)
    assert "NO_BALANCE" in shown(asked)
    for _ in range(3):
        assert merchant.post(url, hidden(asked)).url == order_page(order)
    deliver_outbox()
    assert [refund.status for refund in Refund.objects.order_by("pk")] == ["failed", "done"]
    assert url not in merchant.get(reverse("admin:payments_refund_changelist")).content.decode()
    assert_books_agree(order)


def test_a_refund_that_was_not_refused_is_not_tried_again(merchant, order):
    refund = ask_for(order, some(order, tea=1))
    url = reverse("admin:payments_refund_retry", args=[refund.pk])
    assert "This refund was not refused." in shown(merchant.post(url, follow=True))
    assert Refund.objects.count() == 1


@pytest.mark.failure("F43")
def test_staff_say_what_a_refund_of_the_dashboard_was_for(merchant, order, payment):
    dashboard.dashboard_refund(payment.reference, SERVICE + 100)
    settlement.ask(payment)
    refund = Refund.objects.get()
    url = reverse("admin:payments_refund_explain", args=[refund.pk])
    assert url in merchant.get(reverse("admin:payments_refund_changelist")).content.decode()
    assert "HK$2,660.00 went back at the gateway itself" in shown(merchant.get(url))
    seen = merchant.post(url, typed(order, service="2") | PREVIEW)
    for told in (
        "No money moves.",
        "Not explained HK$100.00",
        "Test consultation: the consultation reports close",
        "Note this",
    ):
        assert told in shown(seen)
    assert not service_of(order).is_refunded
    for _ in range(2):
        assert merchant.post(url, hidden(seen) | AGREE).url == order_page(order)
    assert service_of(order).is_refunded
    assert Refund.objects.count() == 1
    assert_books_agree(order)


@pytest.mark.failure("F43")
def test_what_staff_said_by_mistake_of_a_refund_is_taken_back_and_said_anew(merchant, order, payment):
    """It had closed a report and kept goods from being sent."""
    dashboard.dashboard_refund(payment.reference, SERVICE + 200)
    settlement.ask(payment)
    refund = Refund.objects.get()
    url = reverse("admin:payments_refund_explain", args=[refund.pk])
    seen = merchant.post(url, typed(order, service="2", tea="1") | PREVIEW)
    on_shelf = tea_of(order).variant.on_hand
    merchant.post(url, hidden(seen) | AGREE)
    assert (service_of(order).is_refunded, tea_of(order).withdrawn_quantity) == (True, 1)
    assert tea_of(order).variant.on_hand == on_shelf + 1
    assert "Correct what it was for" in shown(merchant.get(reverse("admin:payments_refund_changelist")))

    page = merchant.get(url)
    assert "Test consultation × 2: HK$2,560.00" in shown(page)
    back = hidden(page) | {"action": "take back"}
    for _ in range(2):
        assert merchant.post(url, back).url == url
    assert (service_of(order).is_refunded, tea_of(order).withdrawn_quantity) == (False, 0)
    assert tea_of(order).variant.on_hand == on_shelf
    assert "went back at the gateway itself" in shown(merchant.get(url)), "it is asked for anew"
    assert_books_agree(order)
    assert not stock_books().findings

    seen = merchant.post(url, typed(order, tea="1") | PREVIEW)
    merchant.post(url, hidden(seen) | AGREE)
    assert (service_of(order).is_refunded, tea_of(order).withdrawn_quantity) == (False, 1)
    merchant.post(url, back)  # an old page, sent again
    assert tea_of(order).withdrawn_quantity == 1
    assert_books_agree(order)

    tea = tea_of(order).variant
    type(tea).objects.filter(pk=tea.pk).update(on_hand=0)  # sold to somebody else
    back = hidden(merchant.get(url)) | {"action": "take back"}
    assert "have been sold since" in shown(merchant.post(url, back, follow=True))
    assert tea_of(order).withdrawn_quantity == 1


def test_more_than_the_dashboard_gave_back_cannot_be_explained(merchant, order, payment):
    dashboard.dashboard_refund(payment.reference, Decimal("100.00"))
    settlement.ask(payment)
    url = reverse("admin:payments_refund_explain", args=[Refund.objects.get().pk])
    response = merchant.post(url, typed(order, tea="1") | PREVIEW)
    assert "Together this is more than the HK$100.00" in shown(response)


def test_a_refund_shows_what_it_was_for(merchant, order):
    refund = give(order, some(order, tea=1, shipping=SHIPPING, amount=Decimal("2.00")))
    text = shown(merchant.get(reverse("admin:payments_refund_change", args=[refund.pk])))
    for told in ("Test tea × 1: HK$168.00", "Shipping fee: HK$30.00", "Other amount: HK$2.00", "HK$200.00"):
        assert told in text


def test_a_line_of_which_nothing_is_left_has_no_fields(merchant, order):
    give(order, some(order, tea=2))
    page = merchant.get(page_of(order)).content.decode()
    assert f"quantity_{tea_of(order).pk}" not in page
    assert f"quantity_{service_of(order).pk}" in page
    assert "Test tea" in page
