"""What follows from signing in, and from failing to."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from . import known_browsers, notices, second_factor, sessions


@receiver(user_logged_in)
def begin(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """The password was right: it is not counted. The browser is known once nothing else is asked."""
    sessions.begin(request.session)
    if tries := getattr(request, "sign_in_tries", None):
        tries.release()
    if not (second_factor.app_of(user) or second_factor.is_required(user)):
        known_browsers.remember(request, user)


@receiver(user_login_failed)
def note_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    if request is not None and not hasattr(request, "sign_in_refusal"):
        notices.after_wrong_password(str(credentials.get("username") or ""))
