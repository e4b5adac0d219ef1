"""PayPal: Orders v2, Payments v2 and webhooks. Re-exports its public face, the gateway ``PayPal``."""

from .gateway import PayPal

__all__ = ["PayPal"]
