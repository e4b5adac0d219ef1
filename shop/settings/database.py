"""The database, and how long one session may hold up others."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from .environment import VAR_DIR, required

DATABASE_URL = required("DATABASE_URL", demo=lambda: f"sqlite:///{VAR_DIR / 'shop.sqlite3'}")
if not DATABASE_URL.startswith(("postgresql://", "postgres://", "sqlite:///")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// or sqlite:///")
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(DATABASE_URL)}
_database = DATABASES["default"]
_database["ATOMIC_REQUESTS"] = False  # a request transaction would stay open across gateway calls
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction takes the write lock when it begins, so reading before writing is safe.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # What stands in the address, such as sslmode, wins.
    _database["OPTIONS"] = {"connect_timeout": 3, **_database.get("OPTIONS", {})}
# Seconds a session may hold up others, by kind of process (shop/database.py). Commands have no limits: a
# migration takes the time it takes.
DATABASE_LIMITS = {
    "web": {"statement_timeout": 5, "lock_timeout": 3, "idle_in_transaction_session_timeout": 15},
    "worker": {"statement_timeout": 30, "lock_timeout": 3, "idle_in_transaction_session_timeout": 15},
}
DATABASE_SESSION_OPTIONS = _database["OPTIONS"].get("options", "")  # the address's own
