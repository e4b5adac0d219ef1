"""The shop's settings with a beat that ticks often, so that tests wait less.

Only the period of the ticks differs: what is due is still told by the rows and the shop's clock.
"""

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BEAT_SCHEDULE as EVERY

# All visitors come from this machine.
UNPAID_PER_ADDRESS = UNPAID_PER_NETWORK = 100_000
NEW_SESSIONS_PER_NETWORK = PAYMENTS_PER_NETWORK = 100_000
UNPAID_SHARE_PERCENT = 100
TICK = 2.5  # seconds; what somebody waits for is woken at once
STALE = {"expires": 7.5}  # seconds: on a busy machine ticks must not pile up before what somebody waits for
CELERY_BEAT_SCHEDULE = {
    name: {**entry, "schedule": TICK, "options": STALE} if isinstance(entry["schedule"], int) else entry
    for name, entry in EVERY.items()
}
