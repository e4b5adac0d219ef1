"""The gate before the passwords: django-axes, whose log and middleware stay, with limits that are exact."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied, AxesBackendRequestParameterRequired
from axes.handlers.proxy import AxesProxyHandler
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from shop.web.client_address import client_address
from shop.web.rate_limit import network_of

from . import limits


def network_address(request: HttpRequest) -> str:
    """What axes writes down as the address: of the network that one client may own."""
    network = network_of(client_address(request))
    return "" if network == "unknown" else network.partition("/")[0]


class Gate(AxesStandaloneBackend):  # type: ignore[misc]  # has no types
    """Refuses before a password is hashed. Signs nobody in: that is for the backends after it."""

    @sensitive_variables()
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> None:
        if request is None:
            raise AxesBackendRequestParameterRequired("Without a request nothing can be counted")
        AxesProxyHandler.update_request(request)
        found = limits.count_password(request, username or "")
        if isinstance(found, limits.Tries):
            request.sign_in_tries = found  # type: ignore[attr-defined]
            return
        request.sign_in_refusal = found  # type: ignore[attr-defined]
        request.axes_locked_out = True  # type: ignore[attr-defined]  # its middleware answers with our page
        raise AxesBackendPermissionDenied("Too many tries")
