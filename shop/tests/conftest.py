"""The shops that tests run on: see ``harness/stacks``."""

from .harness.stacks.crash_stack import shop
from .harness.stacks.stack import embedded, services, stack

__all__ = ["embedded", "services", "shop", "stack"]
