"""A paid order whose money can go back, and the stand-in's PayPal behind the real adapter."""

import pytest

from payments.attempts import movements
from payments.attempts import services as attempts
from payments.refunds import services as refunds

from .refund_scenes import paid_order


@pytest.fixture
def gateway(paypal, monkeypatch, settings):
    """The PayPal adapter, judged, in front of the stand-in."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    for module in (attempts, refunds, movements):
        monkeypatch.setattr(module, "get_gateway", lambda code: paypal)
    return paypal


@pytest.fixture
def order(gateway, approve):
    """Two packets of tea, a consultation for two, and the shipping fee; paid with PayPal."""
    return paid_order(approve)


@pytest.fixture
def payment(order):
    return order.payments.get()
