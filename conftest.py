"""Shared fixtures. The environment comes first: Django reads its settings when they are loaded."""

import os
from collections.abc import Callable, Iterator
from itertools import chain, zip_longest
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from shop.tests.harness import environment, prepared
from shop.tests.harness.kinds import KINDS

try:
    environment.prepare()
except environment.Missing as problem:
    raise SystemExit(str(problem)) from None
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

import django
import hypothesis
from django.utils import translation

from shop.l10n import translations

hypothesis.settings.register_profile("suite", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("suite")
translations.compile_catalogues()  # before anything asks for a text
django.setup()  # the apps' own conftest files may import models

pytest_plugins = [
    "pytester",
    "shop.tests.harness.browser",
    "shop.tests.harness.effort",
    "shop.tests.harness.stack",
    "shop.tests.harness.crash_stack",
]


def pytest_report_header() -> str:
    return environment.header()


def pytest_configure() -> None:
    """What every test may take for granted."""
    from django.conf import settings

    from shop import database
    from shop.celery import app

    app.conf.broker_url = "memory://"  # a wake-up of the worker goes nowhere
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of sign-ins
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}  # no collectstatic before the tests
    database.limit_sessions("web")  # tests see what a request sees


class Groups(LoadScopeScheduling):
    """The tests of a file stay together, those on a stack of a kind apart from the others.

    The few that need the embedded stores share one stack; of the other kinds several may be open at once.

    ``--dist loadgroup`` is made for that and does nothing under pytest 9.2 (pytest-xdist issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid)


def _group_of(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    kind = next((kind for kind in KINDS if f"[{kind}" in nodeid), "")
    return kind if kind == "embedded" else f"{file}[{kind}" if kind else file


def _opens_a_shop(item: pytest.Item) -> bool:
    is_shared = any(f"[{kind}" in item.nodeid for kind in KINDS)
    return is_shared or "running" in vars(getattr(item, "module", None) or object)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a shop takes longest and begins first, so that no worker is left alone with it at the end.

    Every second group is another: those only compute, while a shop's tests often wait.
    """
    groups: dict[str, list[pytest.Item]] = {}
    for item in items:
        groups.setdefault(_group_of(item.nodeid), []).append(item)
    shops = [group for group in groups.values() if any(map(_opens_a_shop, group))]
    others = [group for group in groups.values() if not any(map(_opens_a_shop, group))]
    pairs = zip_longest(shops, others, fillvalue=())
    items[:] = chain.from_iterable(chain.from_iterable(pairs))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Groups:
    return Groups(config, log)


def pytest_unconfigure() -> None:
    if not environment.IS_WORKER:
        prepared.drop_all()
    environment.close(os.getpid())


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Several workers copy their database from one; a single process makes its own faster."""
    from django.db import connection

    if environment.IS_WORKER:
        prepared.make_migrated()
        connection.settings_dict["TEST"]["TEMPLATE"] = prepared.name_of(prepared.MIGRATED)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A thread of a test may still hold a connection, which would keep the database from being dropped."""
    from django.db import connection

    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A request leaves its language active in the thread: no test is to depend on the one before it."""
    with translation.override("en"):
        yield


@pytest.fixture
def deliver_outbox(db: None) -> Callable[[], None]:
    """Do what the worker would do: deliver everything that is due."""
    from shop.background import outbox

    def deliver() -> None:
        while outbox.deliver_next():
            pass

    return deliver
