"""Shared fixtures. The environment comes first: Django reads its settings when they are loaded."""

import gc
import os
import random
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

pytest.register_assert_rewrite("shop.tests.harness", "payments.tests.harness")

from shop.tests.harness import effort, environment, prepared, scheduling
from shop.tests.harness.browser import browser, complaints, open_page, page
from shop.tests.harness.effort import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from shop.tests.harness.scheduling import pytest_xdist_make_scheduler

try:
    environment.prepare()
except environment.Missing as problem:
    raise SystemExit(str(problem)) from None
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

import django
import hypothesis
from django.utils import translation

from shop.l10n import translations

__all__ = [
    "browser",
    "complaints",
    "open_page",
    "page",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_make_scheduler",
]

# A busy machine is no failure, and what fails fails for everybody; `make prove` looks for more.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=not effort.IS_FULL)
hypothesis.settings.load_profile("suite")
translations.compile_catalogues()  # before anything asks for a text
django.setup()  # the apps' own conftest files may import models


def pytest_report_header() -> str:
    return environment.header()


def pytest_configure(config: pytest.Config) -> None:
    """What every test may take for granted."""
    from django.conf import settings
    from django.test import TransactionTestCase

    from shop import database
    from shop.celery import app
    from shop.tests.harness import flush, staff_client

    app.conf.broker_url = "memory://"  # a wake-up of the worker goes nowhere
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of sign-ins
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}  # no collectstatic before the tests
    # Tests see what a request sees, but stand in a transaction of their own however long they think.
    settings.DATABASE_LIMITS["web"]["idle_in_transaction_session_timeout"] = 600
    database.limit_sessions("web")
    TransactionTestCase._fixture_teardown = flush.empty_tables
    staff_client.use_cookie_of_staff()
    effort.pytest_configure(config)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported for the tests stays: nobody looks for garbage in it, now or during any of them."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    effort.pytest_collection_modifyitems(config, items)
    scheduling.sort(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Draw the same numbers and keys in every run: none holds by chance what a test looks for.

    Whether a peer was silent in the test before is forgotten.
    """
    from checkout import order_numbers
    from shop.background import breakers
    from shop.tests.harness import staff_client

    breakers.reset()
    staff_client.stay_signed_in(item)

    if not effort.IS_FULL:
        order_numbers.choice = random.Random(item.nodeid).choice


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
