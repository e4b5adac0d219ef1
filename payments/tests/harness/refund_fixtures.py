"""A paid order whose money can go back, and the stand-in's PayPal behind the real adapter."""

import pytest

from payments.gateways import override

from .refund_scenes import SEES, paid_order, staff


@pytest.fixture
def gateway(paypal, settings):
    """The PayPal adapter, judged, in front of the stand-in."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    with override("paypal", paypal):
        yield paypal


@pytest.fixture
def order(gateway, approve):
    """Two packets of tea, a consultation for two, and the shipping fee; paid with PayPal."""
    return paid_order(approve)


@pytest.fixture
def payment(order):
    return order.payments.get()


@pytest.fixture
def merchant(client):
    return staff(client, *SEES, "add_refund", "view_payment")
