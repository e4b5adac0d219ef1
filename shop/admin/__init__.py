"""The shop's own part of the admin: the outbox, the people, and what every app's admin builds on."""

from shop.admin import audit, outbox, staff

__all__ = ["audit", "outbox", "staff"]
