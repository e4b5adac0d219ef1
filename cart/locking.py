"""One change to a cart at a time: the session row is the lock."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest

from shop.web.sessions import SessionStore

from .cart import Cart
from .lines import CartLine


@contextmanager
def alone_with_cart(request: HttpRequest) -> Iterator[Cart]:
    """The visitor's cart, read and written under a lock, so that two clicks at once both count.

    A session is otherwise saved whole at the end of its request, and the last of two requests wins.
    """
    key = request.session.session_key
    with transaction.atomic():
        if key is not None and Session.objects.select_for_update().filter(pk=key).exists():
            request.session = SessionStore(key)  # as it is now that the lock is ours
        yield Cart(request.session)
        if request.session.modified and request.session.session_key == key and key is not None:
            request.session.save()
            request.session.modified = False  # not once more, after the lock is gone


def note_shown(request: HttpRequest, lines: Sequence[CartLine]) -> None:
    """The page with these lines is made: what it told of changes has been told.

    What is fetched ahead, or by a script that may throw it away, has shown nothing to anybody.
    """
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    is_for_script = request.headers.get("Sec-Fetch-Dest") == "empty"
    if request.method == "HEAD" or is_ahead or is_for_script or not Cart(request.session).looks.shown(lines):
        return
    with alone_with_cart(request) as cart:
        if cart.looks.shown(lines):
            cart.note_looks()
