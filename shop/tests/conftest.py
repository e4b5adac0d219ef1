"""Fixtures of the tests below: PayPal's stand-in, and stores that fail."""

from payments.tests.conftest import (
    approve,
    gateway,
    inbox,
    judged_api,
    make_api,
    paypal,
    sandbox,
)
from shop.tests.harness.stores import (
    database_line,
    other_session,
    paypal_sandbox,
    short_limits,
    visitor,
)

__all__ = [
    "approve",
    "database_line",
    "gateway",
    "inbox",
    "judged_api",
    "make_api",
    "other_session",
    "paypal",
    "paypal_sandbox",
    "sandbox",
    "short_limits",
    "visitor",
]
