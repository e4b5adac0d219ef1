"""A shop whose money is in order, made by really paying, and a merchant who looks at it."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from payments.attempts import settlement
from payments.gateways import get_gateway
from payments.health import gateways
from payments.models import Refund
from payments.refunds import services as refunds
from payments.refunds.plan import RefundRequest
from payments.tests.harness.health_scenes import Board
from payments.tests.harness.paypal_scenes import awaiting


@pytest.fixture
def board(db):
    user = User.objects.create_superuser("boss", "boss@shop.example", "x")
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return Board(client)


@pytest.fixture
def gateway(shop, monkeypatch, sandbox, settings):
    """PayPal as the shop sees it. UnionPay's certificates are another test's."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    for name in ("problems", "warnings"):
        monkeypatch.setattr(gateways.unionpay, name, list)
    return get_gateway("paypal")


@pytest.fixture
def waiting(gateway):
    """An attempt whose buyer is at PayPal."""
    return awaiting()


@pytest.fixture
def paid(waiting, approve):
    """A payment that has made its order paid."""
    approve(waiting.approve_url)
    payment = settlement.settle(waiting)
    payment.order.refresh_from_db()
    assert payment.pays_order
    return payment


@pytest.fixture
def refund(paid):
    """A refund of ten dollars, asked for and not yet done."""
    return refunds.request_refund(
        paid.order_id, RefundRequest(amount=Decimal(10)), key="0" * 32, actor="boss"
    )


@pytest.fixture
def done(refund):
    refunds.execute_refund(refund.pk)
    refund.refresh_from_db()
    assert refund.status == Refund.Status.DONE
    return refund
