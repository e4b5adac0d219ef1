"""Background work of the kernel."""

import logging

from .audit import chain
from .background import outbox, peers
from .privacy import retention

logger = logging.getLogger(__name__)


@peers.task(peer=peers.ALL)
def deliver_outbox(peer: str) -> None:
    """Deliver what is due and concerns this peer. Woken by each commit, and by beat as a safety net."""
    while outbox.deliver_next(peer):
        pass


@peers.task(peer=peers.LOCAL)
def forget() -> None:
    """Delete what is past its time."""
    for kind, count in retention.forget():
        if count:
            logger.info("Forgot %s: %s", kind.name, count)


@peers.task(peer=peers.LOCAL)
def link_audit_trail() -> None:
    """Give new entries their place in the chain, and tell the log where it ends now."""
    if newest := chain.link_new():
        logger.info("Audit trail: link %s ends with %s", newest.number, newest.digest)
