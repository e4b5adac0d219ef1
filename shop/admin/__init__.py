"""The shop's own part of the admin: the outbox, the people, and what every app's admin builds on."""

from shop.admin import approvals, audit, outbox, staff

__all__ = ["approvals", "audit", "outbox", "staff"]
