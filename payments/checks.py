"""System checks about gateways."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from .gateways import unionpay


@register("payments", deploy=True)
def check_unionpay(**_options: Any) -> list[CheckMessage]:
    """Certificates and settings, before the first buyer finds out."""
    return [Error(problem, id="payments.E001") for problem in unionpay.problems()]
