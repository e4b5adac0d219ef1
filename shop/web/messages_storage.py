"""What the next page tells, in a cookie; in the session where it is too long for one."""

from django.conf import settings
from django.contrib.messages.storage import cookie, fallback, session


class CookieStorage(cookie.CookieStorage):
    """Django's, under a name that browsers take from this very host alone."""

    cookie_name = "__Host-messages" if settings.PRODUCTION else "messages"


class Storage(fallback.FallbackStorage):
    storage_classes = (CookieStorage, session.SessionStorage)
