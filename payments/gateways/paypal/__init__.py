from .gateway import PayPal

__all__ = ["PayPal"]
