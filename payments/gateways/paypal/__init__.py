"""PayPal: Orders v2, Payments v2 and webhooks. Public: ``PayPal``, the gateway."""

from .gateway import PayPal

__all__ = ["PayPal"]
