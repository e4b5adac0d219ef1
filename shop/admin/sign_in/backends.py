"""The gate before the passwords: django-axes with limits that are exact, and without its log."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.exceptions import AxesBackendPermissionDenied, AxesBackendRequestParameterRequired
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from . import limits


class Gate(AxesStandaloneBackend):  # type: ignore[misc]  # has no types
    """Refuses before a password is hashed. Signs nobody in: that is for the backends after it."""

    @sensitive_variables()
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> None:
        if request is None:
            raise AxesBackendRequestParameterRequired("Without a request nothing can be counted")
        found = limits.count_password(request, username or "")
        if isinstance(found, limits.Tries):
            request.sign_in_tries = found  # type: ignore[attr-defined]
            return
        request.sign_in_refusal = found  # type: ignore[attr-defined]
        request.axes_locked_out = True  # type: ignore[attr-defined]  # its middleware answers with our page
        raise AxesBackendPermissionDenied("Too many tries")
