"""Django's test client signs in to the session of staff, in their cookie; the shopper's stays as it is."""

from typing import Any

from django.conf import settings
from django.test.client import ClientMixin


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
