"""Here the gateway is UnionPay."""

import dataclasses

import pytest

from payments.tests.harness.rehearsal import disarm
from payments.tests.harness.unionpay_sandbox import encrypted_card, notifications_about, until


@pytest.fixture
def gateway(unionpay):
    return unionpay


@pytest.fixture
def make_purchase(make_unionpay_purchase):
    return make_unionpay_purchase


@pytest.fixture
def nothing_armed(unionpay_sandbox):
    disarm(unionpay_sandbox)
    yield
    disarm(unionpay_sandbox)


@pytest.fixture
def url(unionpay_sandbox):
    return unionpay_sandbox


@pytest.fixture
def until_another_arrives(pay):
    """Waits for the notification of a later payment: what is sent as ever has arrived before it."""

    def wait():
        later, _ = pay()
        until(lambda: (None, bool(notifications_about(later))))

    return wait


@pytest.fixture
def pay(gateway, make_purchase):
    """Pays by card; gives the purchase and what was answered."""

    def once(purchase=None, **changes):
        purchase = purchase or make_purchase(**changes)
        started = gateway.start(purchase, encrypted_card())
        return dataclasses.replace(purchase, gateway_id=getattr(started, "gateway_id", "")), started

    return once
