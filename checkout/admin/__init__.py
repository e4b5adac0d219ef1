"""The merchant's part of the admin: orders, promo codes, stock movements. Importing it registers them all."""

from checkout.admin import orders, search, stock
from checkout.promotions import admin as promotions

__all__ = ["orders", "promotions", "search", "stock"]
