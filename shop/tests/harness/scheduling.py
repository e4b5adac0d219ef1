"""Which worker runs which tests, and in which order. The root ``conftest.py`` names these hooks."""

import re
from itertools import chain, zip_longest
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from .stacks.kinds import KINDS, SINGLE

KIND = re.compile(rf"[\[-]({'|'.join(KINDS)})[\]-]")


class Groups(LoadScopeScheduling):
    """The tests of a file stay together, those on a stack of a kind apart from the others.

    ``--dist loadgroup`` is made for that and does nothing under pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(nodeid: str) -> str:
    file, kind = nodeid.partition("::")[0], kind_of(nodeid)
    return kind if kind in SINGLE else f"{file}[{kind}" if kind else file


def kind_of(nodeid: str) -> str:
    """The kind of shop among the parameters of a test, if it has one."""
    match = KIND.search(nodeid)
    return match.group(1) if match else ""


def opens_a_shop(item: pytest.Item) -> bool:
    return bool(kind_of(item.nodeid)) or "running" in vars(getattr(item, "module", None) or object)


def sort(items: list[pytest.Item]) -> None:
    """What opens a shop takes longest and begins first, so that no worker is left alone with it at the end.

    Those with a shop of their own come before those of the shared one. Every second group is one without:
    these only compute, while a shop's tests often wait.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(group_of(item.nodeid), []).append(item)
    shops = [group for group in groups.values() if any(map(opens_a_shop, group))]
    shops.sort(key=lambda group: kind_of(group[0].nodeid) == "services")
    others = [group for group in groups.values() if not any(map(opens_a_shop, group))]
    pairs = zip_longest(shops, others, fillvalue=())
    items[:] = chain.from_iterable(chain.from_iterable(pairs))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups:
    return Groups(config, log)
