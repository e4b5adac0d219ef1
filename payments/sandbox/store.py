"""The sandbox's memory: JSON documents in one SQLite file that survives a restart, and the append-only log.

All gateways of the sandbox share one lock: whatever runs inside ``transaction()`` is alone.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

Document = dict[str, Any]
_lock = threading.RLock()
_spoiled: ContextVar[str] = ContextVar("_spoiled", default="")


def folder() -> Path:
    """Where the sandbox keeps everything."""
    path = Path(settings.VAR_DIR) / "sandbox"
    path.mkdir(parents=True, exist_ok=True)
    return path


@cache
def _database() -> sqlite3.Connection:
    database = sqlite3.connect(folder() / "sandbox.sqlite3", check_same_thread=False, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS documents (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))"
    )
    return database


@contextmanager
def transaction() -> Iterator[None]:
    """Be alone, and all or nothing. May be nested; the outermost one commits."""
    with _lock:
        database = _database()
        if database.in_transaction:
            yield
            return
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")


def close() -> None:
    """Close the file, as at the end of the process; the next use opens it again."""
    with _lock:
        _database().close()
        _database.cache_clear()


def put(kind: str, id: str, body: Document) -> None:
    """Store or replace a document."""
    with transaction():
        _database().execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
            (kind, id, json.dumps(body, ensure_ascii=False)),
        )


def get(kind: str, id: str) -> Document | None:
    """The document, or None."""
    with _lock:
        row = (
            _database().execute("SELECT body FROM documents WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        )
    return json.loads(row[0]) if row else None


def every(kind: str) -> list[Document]:
    """All documents of a kind, oldest first."""
    with _lock:
        rows = (
            _database()
            .execute("SELECT body FROM documents WHERE kind = ? ORDER BY rowid", (kind,))
            .fetchall()
        )
    return [json.loads(row[0]) for row in rows]


def remove(kind: str, id: str) -> bool:
    """Forget a document; whether there was one."""
    with transaction():
        done = _database().execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))
    return done.rowcount > 0


def next_number(name: str) -> int:
    """1, 2, 3 … in this memory, never one twice."""
    with transaction():
        number = int((get("count", name) or {"last": 0})["last"]) + 1
        put("count", name, {"last": number})
    return number


def log(gateway: str, kind: str, **fields: Any) -> None:
    """Append one exchange: references, amount, currency, request id, status. Never card data or names.

    The lines of an exchange that a fault on the line spoils name the fault, see ``spoiled``.
    """
    entry = {"time": datetime.now(UTC).isoformat(), "gateway": gateway, "kind": kind, **fields}
    if fault := _spoiled.get():
        entry["fault"] = fault
    with _lock, (folder() / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")


@contextmanager
def spoiled(fault: str) -> Iterator[None]:
    """Mark what is logged meanwhile: it belongs to an exchange that this fault spoils."""
    token = _spoiled.set(fault)
    try:
        yield
    finally:
        _spoiled.reset(token)


def after(seconds: float, action: Any, *arguments: Any) -> None:
    """Run something later in this process, e.g. send a notification."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
