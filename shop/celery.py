"""The Celery application: ``celery -A shop worker``, ``celery -A shop beat``."""

import os
import signal
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker import WorkController
from django.db import connections

from . import database
from .devstack import filesystem_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

filesystem_broker.install()
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Celery replaces the root handler unless someone listens here; ours masks secrets."""


@signals.worker_init.connect
def limit_sessions(**kwargs: Any) -> None:
    """Beat asks the database nothing, and commands may take their time."""
    database.limit_sessions("worker")


@signals.worker_init.connect
def share_threads(sender: WorkController, **kwargs: Any) -> None:
    """Threads for the shares of all peers, whatever the command says; no task without a peer."""
    from .background import peers

    if undeclared := peers.undeclared(app.tasks):
        raise SystemExit(f"Tasks that declare no peer: {', '.join(undeclared)}")  # else Celery only logs it
    sender.pool_cls, sender.concurrency = "threads", max(int(sender.concurrency), peers.threads())


@signals.worker_init.connect
def require_secrets(**kwargs: Any) -> None:
    from .keyring import fingerprints

    fingerprints.require()
    connections.close_all()


@signals.task_prerun.connect
def stop_without_secrets(**kwargs: Any) -> None:
    """This worker began while the database was away. Whoever starts it again reads what is missing."""
    from .keyring import fingerprints

    if fingerprints.is_refused():
        os.kill(os.getpid(), signal.SIGTERM)


@signals.worker_ready.connect
@signals.beat_init.connect
def say_ready(**kwargs: Any) -> None:
    """Tell whoever started this process (shop/stack.py) that it works now."""
    if path := os.environ.get("READY_FILE"):
        Path(path).touch()
