"""Here the gateway is UnionPay, and the shop a page with card fields."""

import dataclasses

import pytest

from payments.sandbox import store
from payments.sandbox.unionpay import transactions
from payments.tests.harness.card_page import open_shop
from payments.tests.harness.unionpay_sandbox import decided, encrypted_card


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


@pytest.fixture(scope="module")
def tab(browser):
    """One browser tab for a module's tests: each shop has an origin, and so a storage, of its own."""
    context = browser.new_context(locale="en-GB", timezone_id="Asia/Hong_Kong")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab, complaints):
    listeners = {
        "console": complaints.hear,
        "pageerror": lambda error: complaints.found.append(str(error)),
        "request": complaints.see,
    }
    for event, listener in listeners.items():
        tab.on(event, listener)
    yield tab
    tab.goto("about:blank")
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)


@pytest.fixture
def paid(gateway, make_purchase):
    """A purchase by card, and what the gateway says of it."""
    purchase = make_purchase()
    started = gateway.start(purchase, encrypted_card())
    purchase = dataclasses.replace(purchase, gateway_id=started.gateway_id)
    return purchase, decided(gateway, purchase)


@pytest.fixture
def slow_bank(monkeypatch):
    """A bank that decides only when the test calls."""
    monkeypatch.setattr(transactions, "PROCESSING_SECONDS", 3600)

    def decide():
        for transaction in store.every("unionpay"):
            transactions.save(transaction | {"settles_at": 0})

    return decide
