"""A shop with servers of its own that tests take away."""

from collections.abc import Iterator

import pytest

from shop.tests.harness.resilience_matrix.stack import FragileShop, running


@pytest.fixture(scope="session", params=["fragile"])
def fragile_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FragileShop]:
    with running(tmp_path_factory.mktemp("fragile")) as shop:
        yield shop
