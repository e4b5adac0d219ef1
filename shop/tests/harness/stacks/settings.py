"""The shop's settings with a beat that ticks often, so that tests wait less.

Only the period of the ticks differs: what is due is still told by the rows and the shop's clock.
"""

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BEAT_SCHEDULE as EVERY

TICK = 1.0  # seconds
STALE = {"expires": 3.0}  # seconds: on a busy machine ticks must not pile up before what somebody waits for
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": TICK, "options": STALE} if isinstance(entry["schedule"], int) else entry
    for name, entry in EVERY.items()
}
