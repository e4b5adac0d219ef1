"""Shared fixtures. The environment comes first: Django reads its settings when they are loaded."""

import os
from collections.abc import Callable

import pytest

from shop.tests import environment

try:
    environment.prepare()
except environment.Missing as problem:
    raise SystemExit(str(problem)) from None
os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"

import django

django.setup()  # the apps' own conftest files may import models

pytest_plugins = ["shop.tests.browser", "shop.tests.stack"]


def pytest_report_header() -> str:
    return environment.header()


def pytest_configure() -> None:
    """What every test may take for granted."""
    from django.conf import settings

    from shop import translations
    from shop.celery import app

    app.conf.broker_url = "memory://"  # a wake-up of the worker goes nowhere
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # hundreds of sign-ins
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}  # no collectstatic before the tests
    translations.compile_catalogues()


def pytest_unconfigure() -> None:
    environment.close(os.getpid())


@pytest.fixture
def deliver_outbox(db: None) -> Callable[[], None]:
    """Do what the worker would do: deliver everything that is due."""
    from shop import outbox

    def deliver() -> None:
        while outbox.deliver_next():
            pass

    return deliver
