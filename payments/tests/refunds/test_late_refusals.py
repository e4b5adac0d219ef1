"""What a refund's plan refuses between the look and the click is told on a page, never by a 500."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from payments.health import repairs
from payments.models import Payment, Refund
from payments.refunds import services as refunds
from payments.refunds.forms import RefundForm
from payments.refunds.plan import DisputeOpen, NothingChosen, NothingToRefund, TooMuch
from payments.tests.harness.refund_scenes import TOTAL, ask_for, give, some
from payments.tests.refunds.page_scenes import hidden, order_page, page_of, shown, typed
from shop import clock
from shop.monitoring.audit import NotRepaired

pytestmark = pytest.mark.django_db

PREVIEW, AGREE = ({"action": action} for action in ("preview", "refund"))


@pytest.mark.parametrize("raised", [NothingToRefund, DisputeOpen, NothingChosen, TooMuch])
@pytest.mark.parametrize("page", ["order", "explain", "return"])
def test_whatever_a_plan_refuses_is_told_on_a_page(merchant, order, monkeypatch, raised, page):
    """Also when it is refused while the form is judged, as for the second of two clicks at once."""
    refund = give(order, some(order, tea=1))
    error = raised("shipping", Decimal(0)) if raised is TooMuch else raised("because")

    def refuse(*_, **__):
        raise error

    for name in ("plan_refund", "plan_explanation", "refundable_of", "refundable_of_gateway_refund"):
        if raised in {NothingToRefund, DisputeOpen} or name.startswith("plan"):
            monkeypatch.setattr(f"payments.refunds.admin_views.{name}", refuse)
    if raised in {NothingToRefund, DisputeOpen}:
        monkeypatch.setattr("payments.refunds.services.return_unused", refuse)
    address = {
        "order": page_of(order),
        "explain": reverse("admin:payments_refund_explain", args=[refund.pk]),
        "return": reverse("admin:payments_return_payment", args=[refund.payment_id]),
    }[page]
    sent = typed(order, tea="1", reason="x") | {"key": uuid.uuid4().hex}
    for values in (PREVIEW, AGREE):
        assert merchant.post(address, sent | values).status_code in {200, 302}


def test_of_two_clicks_at_once_the_second_finds_the_refund_of_the_first(merchant, order, monkeypatch):
    """Between looking for it and judging the form the first has taken all there was."""
    everything = {"action": "everything"}
    sent = hidden(merchant.post(page_of(order), everything)) | AGREE
    judged = RefundForm.clean

    def first_comes_first(form):
        monkeypatch.setattr(RefundForm, "clean", judged)
        assert merchant.post(page_of(order), sent).status_code == 302
        return judged(form)

    monkeypatch.setattr(RefundForm, "clean", first_comes_first)
    answer = merchant.post(page_of(order), sent, follow=True)
    assert answer.status_code == 200
    assert "is on its way" in shown(answer)
    assert Refund.objects.get().amount == TOTAL


# --- what was refunded meanwhile ---


@pytest.mark.parametrize("wanted", [{"tea": "1"}, {"amount": "300"}])
def test_the_same_refund_on_two_pages_is_made_once_and_then_shown_anew(merchant, order, wanted):
    """Two of the staff, or two tabs: enough is left for both, and nobody wants both."""
    pages = [merchant.post(page_of(order), typed(order, **wanted) | PREVIEW) for _ in range(2)]
    first, second = (hidden(page) | AGREE for page in pages)
    for _ in range(2):
        assert merchant.post(page_of(order), first).url == order_page(order)
    anew = merchant.post(page_of(order), second)
    assert "Something has changed since you looked." in shown(anew)
    refund = Refund.objects.get()
    refunds.execute_refund(refund.pk)  # that it is done now is no change: it counted before
    merchant.post(page_of(order), hidden(anew) | AGREE)
    assert Refund.objects.count() == 2, "seen anew, and meant"


def test_a_refused_refund_that_was_made_anew_is_not_tried_again_unseen(merchant, order, payment):
    refused = Refund.objects.create(
        payment=payment, amount=300, key="1" * 32, status="failed", started_at=clock.now()
    )
    url = reverse("admin:payments_refund_retry", args=[refused.pk])
    seen = merchant.get(url)
    assert "Since then" not in shown(seen)
    ask_for(order, some(order, amount=Decimal(300)))
    with pytest.raises(NotRepaired, match="refunded since"):
        repairs.retry(refused, "mei")
    anew = merchant.post(url, hidden(seen))
    assert "Since then HK$300.00 of this payment were refunded" in shown(anew)
    assert Refund.objects.count() == 2
    for _ in range(2):
        assert merchant.post(url, hidden(anew)).url == order_page(order)
    repairs.retry(refused, "mei")  # done already
    assert Refund.objects.count() == 3


def test_no_other_sum_goes_back_than_the_page_named(merchant, order, payment):
    Payment.objects.update(pays_order=False)
    url = reverse("admin:payments_return_payment", args=[payment.pk])
    seen = hidden(merchant.get(url))
    made_there = Refund.objects.create(
        payment=payment, amount=100, origin="gateway", status="done", started_at=clock.now()
    )
    anew = merchant.post(url, seen)
    assert "Something has changed since you looked." in shown(anew)
    assert Refund.objects.get() == made_there
    merchant.post(url, hidden(anew))
    assert Refund.objects.get(origin="staff").amount == TOTAL - 100
