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
def locked_cart(request: HttpRequest) -> Iterator[Cart]:
    """Context manager: the visitor's cart under a lock, so that two clicks at once both count.

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
    """Record that a page has shown these lines, so that it is the last to report their changes.

    A page fetched ahead, or by a script that may throw it away, has shown nothing to anybody.
    """
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", ""))
    is_for_script = request.headers.get("Sec-Fetch-Dest") == "empty"
    if request.method == "HEAD" or is_ahead or is_for_script:
        return
    if not Cart(request.session).snapshots.record_shown(lines):
        return
    with locked_cart(request) as cart:
        if cart.snapshots.record_shown(lines):
            cart.save_snapshots()
