"""Fixtures for tests of stores that fail: the way to the database leads through a proxy."""

from contextlib import closing

import psycopg2
import pytest
import requests
from django.conf import settings
from django.db import close_old_connections, connection
from django.test import Client
from psycopg2 import extensions

from payments.attempts import movements, settlement, views
from payments.attempts import services as attempts
from payments.refunds import services as refunds
from payments.webhooks import inbox
from shop import database

from .environment import address_of
from .proxy import Proxy


class Browser(Client):
    """A test client that sees error pages, after whose requests the thread is as after a real one."""

    def __init__(self, **options):
        super().__init__(raise_request_exception=False, **options)

    def request(self, **request):
        try:
            return super().request(**request)
        finally:
            close_old_connections()  # Django does it after each request, but not in its test client


@pytest.fixture
def visitor():
    return Browser()


@pytest.fixture
def database_line(transactional_db):
    """The proxy between this process and its database."""
    address = connection.settings_dict
    host = address["HOST"] or "127.0.0.1"
    with Proxy(int(address["PORT"] or 5432), host) as proxy, pytest.MonkeyPatch.context() as patch:
        connection.close()
        patch.setitem(address, "HOST", "127.0.0.1")
        patch.setitem(address, "PORT", str(proxy.port))
        yield proxy
        proxy.release()
        connection.close()


@pytest.fixture
def short_limits():
    """The limits of the web, in tenths of their seconds."""
    usual = settings.DATABASE_LIMITS["web"]
    with pytest.MonkeyPatch.context() as patch:
        short = {name: seconds / 10 for name, seconds in usual.items()}
        patch.setitem(settings.DATABASE_LIMITS, "web", short)
        patch.setattr(database, "GRACE", 0.5)
        usual_options = dict(connection.settings_dict["OPTIONS"])
        connection.close()
        database.limit_sessions("web")
        yield
    connection.close()  # the tests after this one have no limits: a busy machine is no failure
    connection.settings_dict["OPTIONS"] = usual_options
    extensions.set_wait_callback(None)


@pytest.fixture
def other_session(transactional_db):
    """Another session of the same database, never through the proxy."""
    with closing(psycopg2.connect(address_of(connection.settings_dict["NAME"]))) as other:
        yield other


@pytest.fixture
def paypal_sandbox(paypal, monkeypatch, sandbox, settings):
    """The shop pays at the sandbox's PayPal."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
    for module in (attempts, settlement, movements, refunds, inbox):
        monkeypatch.setattr(module, "get_gateway", lambda code: paypal)
    monkeypatch.setattr(views, "GATEWAY_ORIGINS", [sandbox])
    requests.get(sandbox, timeout=30)  # the first request of all takes long, and a payment has little time
    return paypal


LANGUAGES = {"en": "We will be right back", "zh-hant": "我們很快回來"}


def assert_page_says_so(answer, language):
    page = answer.content.decode()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert "no-store" in answer["Cache-Control"]
    assert f'<html lang="{"en" if language == "en" else "zh-Hant"}">' in page
    assert LANGUAGES[language] in page
    assert f"/{language}/contact/" in page
    assert "mailto:service@shop.example" in page
    for secret in ("Traceback", "psycopg2", "OperationalError", "SELECT"):
        assert secret not in page
