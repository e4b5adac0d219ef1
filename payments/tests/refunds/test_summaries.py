"""What the order page's history tells of money that goes back."""

import pytest

from checkout.tests.history_scenes import texts
from payments.refunds import services as refunds
from payments.tests.harness.refund_scenes import ask_for, paid_order, some

pytestmark = pytest.mark.django_db


def test_a_refund_is_told_when_it_starts_and_when_it_is_done(gateway, approve):
    order = paid_order(approve)
    refund = ask_for(order, some(order, tea=1), reason="canary-reason-8812")
    assert texts(order)[-1] == "A refund of HK$168.00 was started."
    refunds.execute_refund(refund.pk)
    assert texts(order)[-2:] == ["A refund of HK$168.00 was started.", "HK$168.00 went back to you."]
    assert "canary" not in " ".join(texts(order))
