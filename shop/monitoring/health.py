"""Two questions a machine may ask: does the process live (/healthz), and can it serve (/readyz)?

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

REMEMBERED_FOR = 1.0  # seconds

_lock = threading.Lock()
_answer: tuple[float, dict[str, str]] = (float("-inf"), {})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    parts = state()
    return JsonResponse(parts, status=200 if set(parts.values()) == {"ok"} else 503)


def state() -> dict[str, str]:
    """What the shop stands on, part by part. Asked at most once a second per process."""
    global _answer
    with _lock:
        asked_at, parts = _answer
        if time.monotonic() - asked_at > REMEMBERED_FOR:
            database = "unreachable" if database_problem() else "ok"
            parts = {
                "database": database,
                "broker": "unreachable" if broker_problem() else "ok",
                "migrations": _migrations() if database == "ok" else "unknown",
            }
            _answer = (time.monotonic(), parts)
        return parts


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
