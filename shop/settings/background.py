"""Redis and Celery: queues, and what beat starts when."""

from collections.abc import Iterable
from typing import Any

from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from .environment import PRODUCTION, VAR_DIR, env

REDIS_URL = env.str("REDIS_URL", "")
if PRODUCTION and not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL is not set. See .env.example.")
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # A silent broker must not hold up a checkout: these bound what a wake-up may cost (docs/decisions.md).
    # The worker's own wait for a task lasts a second, so two are enough for its answer too.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "socket_connect_timeout": 1,
        "socket_timeout": 2,
        "visibility_timeout": 900,
    }
else:
    CELERY_BROKER_URL = "filesystem://localhost/"  # the host means nothing
    _queue = VAR_DIR / "queue"
    for _folder in ("messages", "control"):
        (_queue / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.01,
    }
# A wake-up is sent once. (Switching retries off altogether makes kombu try for 6 seconds.)
CELERY_TASK_PUBLISH_RETRY_POLICY = dict.fromkeys(
    ("max_retries", "interval_start", "interval_step", "interval_max"), 0
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # worker and beat wait for a broker however long it is away
# Threads of a worker that may wait for each peer at the same time (shop/background/peers.py). A worker takes
# as many threads as all of them need, whatever its command says.
WORKER_SHARES = {"mail": 2, "paypal": 2, "unionpay": 2, "local": 2}
CELERY_WORKER_POOL = "threads"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "shop"
CELERY_TASK_ROUTES = {"shop.tasks.deliver_outbox": {"queue": "outbox"}}
CELERY_TIMEZONE = "Asia/Hong_Kong"
CELERY_BEAT_SCHEDULER = "shop.background.beat_scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-runs.json")
_DECEMBER_DAYS = crontab(hour="10", minute="0", month_of_year="12")  # beat may be down on one of them
_GATEWAYS = ("paypal", "unionpay")


def _each(name: str, task: str, seconds: int, peers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """An entry for each peer, so that none waits for another's."""
    return {f"{name}: {peer}": {"task": task, "schedule": seconds, "args": (peer,)} for peer in peers}


CELERY_BEAT_SCHEDULE = {
    **_each("deliver the outbox", "shop.tasks.deliver_outbox", 10, WORKER_SHARES),
    **_each("sweep payments", "payments.tasks.sweep", 10, _GATEWAYS),
    **_each("follow notices", "payments.tasks.follow_notices", 10, _GATEWAYS),
    **_each("expire orders", "payments.tasks.expire_orders", 30, (*_GATEWAYS, "local")),
    "renew UnionPay's certificate": {
        "task": "payments.tasks.renew_encryption_certificate",
        "schedule": crontab(hour="9", minute="20"),
    },
    "watch certificates": {"task": "payments.tasks.watch_certificates", "schedule": crontab("40", "9")},
    "look after the money": {"task": "payments.tasks.watch_money", "schedule": crontab(minute="5")},
    "forget what is past its time": {"task": "shop.tasks.forget", "schedule": crontab(minute="35")},
    "erase as clients asked": {"task": "checkout.tasks.erase_confirmed", "schedule": crontab(minute="50")},
    "link the audit trail": {"task": "shop.tasks.link_audit_trail", "schedule": 60},
    "compare public holidays": {"task": "checkout.tasks.remind_of_gazettes", "schedule": _DECEMBER_DAYS},
}
