"""The gateways, one instance per process. They speak HTTP and signatures; they know no orders and no rows."""

from functools import cache

from .base import Gateway


@cache
def get_gateway(code: str) -> Gateway:
    """``paypal`` or ``unionpay``. Raises KeyError for anything else."""
    from .paypal.gateway import PayPal
    from .unionpay.gateway import UnionPay

    gateways: dict[str, type[Gateway]] = {"paypal": PayPal, "unionpay": UnionPay}
    return gateways[code]()
