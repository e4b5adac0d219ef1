"""Which worker runs which tests, and in which order. The root ``conftest.py`` names these hooks."""

from itertools import chain, zip_longest
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from .stacks.kinds import KINDS, SINGLE


class Groups(LoadScopeScheduling):
    """The tests of a file stay together, those on a stack of a kind apart from the others.

    ``--dist loadgroup`` is made for that and does nothing under pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    kind = next((kind for kind in KINDS if f"[{kind}" in nodeid), "")
    return kind if kind in SINGLE else f"{file}[{kind}" if kind else file


def opens_a_shop(item: pytest.Item) -> bool:
    is_shared = any(f"[{kind}" in item.nodeid for kind in KINDS)
    return is_shared or "running" in vars(getattr(item, "module", None) or object)


def sort(items: list[pytest.Item]) -> None:
    """What opens a shop takes longest and begins first, so that no worker is left alone with it at the end.

    Every second group is another: those only compute, while a shop's tests often wait.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(group_of(item.nodeid), []).append(item)
    shops = [group for group in groups.values() if any(map(opens_a_shop, group))]
    others = [group for group in groups.values() if not any(map(opens_a_shop, group))]
    pairs = zip_longest(shops, others, fillvalue=())
    items[:] = chain.from_iterable(chain.from_iterable(pairs))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)
