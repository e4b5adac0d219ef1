"""Here the gateway is UnionPay, and the shop a page with card fields."""

import pytest

from payments.tests.harness.card_page import open_shop


@pytest.fixture
def gateway(unionpay):
    return unionpay


@pytest.fixture
def make_purchase(make_unionpay_purchase):
    return make_unionpay_purchase


@pytest.fixture
def shop(unionpay_sandbox):
    with open_shop() as server:
        yield server
