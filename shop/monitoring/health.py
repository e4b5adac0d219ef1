"""Two questions a machine may ask: does the process live (/healthz), and does it serve visitors (/readyz)?

Both say nothing that a stranger could use, and cost next to nothing however often they are asked.
"""

import threading
import time
from functools import cache
from pathlib import Path

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from shop.background import outbound
from shop.keyring import fingerprints

REMEMBERED_FOR = 1.0  # seconds
BROKER_LEFT_ALONE = 10.0  # seconds after it did not answer: a visitor's page does not wait for it, nor do we
STALE = 5.0  # seconds; while somebody waits for a silent database, older answers count as none

Parts = dict[str, str]

_lock = threading.Lock()
_answer: tuple[float, Parts] = (float("-inf"), {})
_broker_quiet_until = float("-inf")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """503 only where a visitor would get no page. What else is away is told: ``shop`` is then "impaired"."""
    parts = state()
    return JsonResponse(parts, status=503 if parts["shop"] == "not ready" else 200)


def state() -> Parts:
    """What the shop stands on, part by part. Asked at most once a second per process, by one thread."""
    global _answer
    if not _lock.acquire(timeout=0 if _answer[1] else STALE):
        asked_at, parts = _answer
        return parts if time.monotonic() - asked_at < STALE else _summed(dict.fromkeys(NEEDED, "unknown"))
    try:
        asked_at, parts = _answer
        if time.monotonic() - asked_at > REMEMBERED_FOR:
            parts = _summed(_parts())
            _answer = (time.monotonic(), parts)
        return parts
    finally:
        _lock.release()


NEEDED = ("database", "migrations", "secrets")  # without these no visitor gets a page


def _parts() -> Parts:
    parts = dict.fromkeys(NEEDED, "unknown") | {"database": "unreachable" if database_problem() else "ok"}
    if parts["database"] == "ok":
        parts["migrations"] = _migrations()
        parts["secrets"] = "missing" if fingerprints.is_refused() else "ok"
    return parts | {"broker": _broker(), "outbound": "off" if outbound.is_off() else "ok"}


def _summed(parts: Parts) -> Parts:
    """With one word for a monitor: ready, impaired (visitors are served; somebody has to look), not ready."""
    if any(parts[name] != "ok" for name in NEEDED):
        word = "not ready"
    else:
        word = "ready" if set(parts.values()) == {"ok"} else "impaired"
    return {"shop": word, **parts}


def _broker() -> str:
    global _broker_quiet_until
    if time.monotonic() >= _broker_quiet_until and broker_problem():
        _broker_quiet_until = time.monotonic() + BROKER_LEFT_ALONE
    return "unreachable" if time.monotonic() < _broker_quiet_until else "ok"


def database_problem() -> str:
    """Empty when the database answers, else one line for the operator (never for the web)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as problem:
        connection.close()
        return _first_line(problem)
    return ""


def broker_problem() -> str:
    """Empty when tasks can be queued, else one line for the operator."""
    try:
        if settings.REDIS_URL:
            _redis(settings.REDIS_URL).ping()
        else:
            probe = Path(settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]) / ".probe"
            probe.touch()
            probe.unlink(missing_ok=True)
    except (redis.RedisError, OSError, ValueError) as problem:
        return _first_line(problem)
    return ""


@cache
def _redis(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)


def _migrations() -> str:
    return "ok" if _are_applied() else "pending"


_applied = False


def _are_applied() -> bool:
    """Code and schema only drift apart by a deployment, which starts new processes: a yes is final."""
    global _applied
    if not _applied:
        executor = MigrationExecutor(connection)
        _applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _applied


def _first_line(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]
