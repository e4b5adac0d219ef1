"""A paid order whose money can go back."""

import pytest

from payments.tests.harness.refund_scenes import SEES, paid_order, staff


@pytest.fixture
def order(gateway, approve):
    """Two packets of tea, a consultation for two, and the shipping fee; paid with PayPal."""
    return paid_order(approve)


@pytest.fixture
def payment(order):
    return order.payments.get()


@pytest.fixture
def merchant(client):
    return staff(client, *SEES, "add_refund", "view_payment", "hold_order")
