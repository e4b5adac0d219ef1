"""What a refund's plan refuses between the look and the click is told on a page, never by a 500."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from payments.models import Refund
from payments.refunds.forms import RefundForm
from payments.refunds.plan import DisputeOpen, NothingChosen, NothingToRefund, TooMuch
from payments.tests.harness.refund_scenes import TOTAL, give, some
from payments.tests.refunds.page_scenes import hidden, page_of, shown, typed

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
