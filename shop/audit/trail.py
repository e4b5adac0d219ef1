"""Writing an entry. Who asks, and from where, is known from the request that is underway."""

from contextvars import ContextVar

from django.http import HttpRequest

from shop import clock
from shop.crypto import keyed_digests
from shop.models import AuditEntry
from shop.monitoring.logging import current_request_id
from shop.typed_values.characters import fold
from shop.web.client_address import client_address

from .subjects import Subject

Deed = AuditEntry.Deed
NOTHING = Subject()
MOST_DETAIL = 300  # characters; the column's
CLIENTS_PAGE = "client's own page"  # how the details of such an entry begin

current_request: ContextVar[HttpRequest | None] = ContextVar("audited_request", default=None)


def record(
    deed: str,
    subject: Subject = NOTHING,
    *,
    actor: str | None = None,
    page: str = "",
    status: int | None = None,
    detail: str = "",
) -> None:
    """Add an entry: in the caller's transaction, so that a deed and its entry are true together.

    ``actor`` is a user name, by default that of the request. ``detail`` holds no personal data.
    """
    request = current_request.get()
    request_id = current_request_id.get()
    AuditEntry.objects.create(
        at=clock.now(),
        actor=(_actor(request) if actor is None else actor)[:150],
        session=_session(request),
        network=client_address(request)[:45] if request else "",
        request_id="" if request_id == "-" else request_id,
        deed=deed,
        page=page[:100],
        subject=subject.label,
        subject_id=subject.id,
        order_number=subject.order_number,
        status=status,
        detail=detail[:MOST_DETAIL],
    )


def _actor(request: HttpRequest | None) -> str:
    user = getattr(request, "user", None)
    return str(user.get_username()) if user is not None and user.pk else ""


def _session(request: HttpRequest | None) -> str:
    """Tells one sign-in of a person from another; opens nothing."""
    session = getattr(request, "staff_session", None) or getattr(request, "session", None)
    key = getattr(session, "session_key", None)
    return keyed_digests("shop.audit.session", key, length=16)[0] if key else ""


def search_digest(typed: str) -> str:
    """Stands for what was searched: mostly a client's name or address, which the trail is not to hold.

    Whoever suspects a search can ask for it by typing the words.
    """
    return search_digests(typed)[0]


def search_digests(typed: str) -> list[str]:
    """Those of all secrets that a search may have been written under."""
    words = " ".join(fold(typed).casefold().split())
    return keyed_digests("shop.audit.search", words, length=16)
