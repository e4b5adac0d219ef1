"""A shop with servers of its own that tests take away, and the stores of this process likewise."""

from collections.abc import Iterator

import pytest

from payments.tests.harness.paypal_fixtures import approve, inbox, judged_api, make_api, paypal, sandbox
from shop.tests.harness.resilience_matrix.stack import FragileShop, running
from shop.tests.harness.stores import database_line, other_session, paypal_sandbox, short_limits, visitor

__all__ = [
    "approve",
    "database_line",
    "inbox",
    "judged_api",
    "make_api",
    "other_session",
    "paypal",
    "paypal_sandbox",
    "sandbox",
    "short_limits",
    "visitor",
]


@pytest.fixture(scope="session", params=["fragile"])
def fragile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FragileShop]:
    with running(tmp_path_factory.mktemp("fragile")) as shop:
        yield shop
