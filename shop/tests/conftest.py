"""Fixtures of the tests below: PayPal's stand-in, stores that fail, and the shops of ``harness/stacks``."""

from payments.tests.conftest import (
    approve,
    gateway,
    inbox,
    judged_api,
    make_api,
    paypal,
    sandbox,
    short_pauses,
)
from shop.tests.harness.stacks.crash_stack import shop
from shop.tests.harness.stacks.stack import embedded, services, stack
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
    "embedded",
    "gateway",
    "inbox",
    "judged_api",
    "make_api",
    "other_session",
    "paypal",
    "paypal_sandbox",
    "sandbox",
    "services",
    "shop",
    "short_limits",
    "short_pauses",
    "stack",
    "visitor",
]
