"""The shop's own part of the admin: the outbox, and what every app's admin builds on."""

from shop.admin import outbox

__all__ = ["outbox"]
