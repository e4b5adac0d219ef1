"""The adapters of PayPal and UnionPay: HTTP and signatures, no orders and no rows.

Public face, defined here: ``get_gateway``, and ``override`` for tests; ``base`` holds their vocabulary.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from .base import Gateway

_overrides: dict[str, Gateway] = {}


def get_gateway(code: str) -> Gateway:
    """``paypal`` or ``unionpay``. Raises KeyError for anything else."""
    return _overrides.get(code) or _gateway(code)


@contextmanager
def override(code: str, gateway: Gateway) -> Iterator[None]:
    """Answer ``get_gateway(code)`` with ``gateway`` in this process; for tests."""
    before = _overrides.get(code)
    _overrides[code] = gateway
    try:
        yield
    finally:
        del _overrides[code]
        if before is not None:
            _overrides[code] = before


@cache
def _gateway(code: str) -> Gateway:
    from .paypal.gateway import PayPal
    from .unionpay.gateway import UnionPay

    gateways: dict[str, type[Gateway]] = {"paypal": PayPal, "unionpay": UnionPay}
    return gateways[code]()
