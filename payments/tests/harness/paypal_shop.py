"""The shop and the stand-in's PayPal together, with the judged adapter between them."""

import pytest

from payments.attempts import settlement
from payments.gateways.paypal import gateway as adapter
from payments.models import Payment

from .paypal_scenes import awaiting

Status = Payment.Status


@pytest.fixture
def shop(paypal, judged_api, monkeypatch):
    """Whatever of the shop talks to PayPal talks to the stand-in, under the judge's eyes."""
    monkeypatch.setattr(adapter, "default_api", lambda: judged_api)
    return paypal


@pytest.fixture
def spoiled_shop(make_api, monkeypatch):
    """The same without the judge, for exchanges that are spoiled on purpose. Waits are short."""
    api = make_api(timeout=(1, 1))
    monkeypatch.setattr(adapter, "default_api", lambda: api)


@pytest.fixture
def payment(shop, approve, db) -> Payment:
    """A captured one that made its order paid."""
    started = awaiting()
    approve(started.approve_url)
    settled = settlement.settle(started)
    assert (settled.status, settled.pays_order) == (Status.CAPTURED, True)
    return settled
