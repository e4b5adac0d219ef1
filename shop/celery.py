"""The Celery application: ``celery -A shop worker``, ``celery -A shop beat``."""

import os
from pathlib import Path
from typing import Any

from celery import Celery, signals

from . import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

broker.install()
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_our_logging(**kwargs: Any) -> None:
    """Celery replaces the root handler unless someone listens here; ours masks secrets."""


@signals.worker_ready.connect
@signals.beat_init.connect
def say_ready(**kwargs: Any) -> None:
    """Tell whoever started this process (shop/stack.py) that it works now."""
    if path := os.environ.get("READY_FILE"):
        Path(path).touch()
