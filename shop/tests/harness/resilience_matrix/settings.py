"""The supervised shop's settings for the resiliency matrix."""

import os
import sys

from shop.tests.harness.stacks.settings import *  # noqa: F403

# The way to the mailbox leads through a proxy, which the mailbox itself must not take for its own port.
if "sandbox" not in sys.argv:
    EMAIL_PORT = int(os.environ["SHOP_TEST_SMTP_PORT"])
CELERY_BEAT_SYNC_EVERY = 1  # beat writes after each task, so that a full disk meets it at once
