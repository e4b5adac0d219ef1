"""Django's test client signs in to the session of staff, in their cookie; the shopper's stays as it is."""

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.test.client import ClientMixin

FOR_YEARS = dt.timedelta(days=10 * 365)

_own: list[dt.timedelta] = []


def use_cookie_of_staff() -> None:
    log_in = ClientMixin._login  # type: ignore[attr-defined]

    def log_in_as_staff(client: Any, user: Any, backend: str | None = None) -> None:
        shoppers, staffs = settings.SESSION_COOKIE_NAME, settings.STAFF_COOKIE_NAME
        kept = client.cookies.pop(shoppers, None)
        if staffs in client.cookies:
            client.cookies[shoppers] = client.cookies[staffs].value
        log_in(client, user, backend)
        client.cookies[staffs] = client.cookies.pop(shoppers).value
        client.cookies[staffs]["path"] = "/"
        if kept is not None:
            client.cookies[shoppers] = kept.value
            client.cookies[shoppers]["path"] = "/"

    ClientMixin._login = log_in_as_staff  # type: ignore[attr-defined]


def stay_signed_in(item: pytest.Item) -> None:
    """Tests move the clock by days with staff at their pages; how long sessions last is shown elsewhere."""
    from shop.admin.sign_in import sessions  # models can be imported only now

    if not _own:
        _own.extend([sessions.LONGEST, sessions.IDLE])
    is_about_them = "sign_in" in item.path.parts
    sessions.LONGEST, sessions.IDLE = _own if is_about_them else (FOR_YEARS, FOR_YEARS)
