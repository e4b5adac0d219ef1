"""Here the gateway is UnionPay."""

import pytest


@pytest.fixture
def gateway(unionpay):
    return unionpay


@pytest.fixture
def make_purchase(make_unionpay_purchase):
    return make_unionpay_purchase
