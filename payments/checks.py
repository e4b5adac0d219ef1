"""System checks about gateways."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from payments.gateways import unionpay

# UnionPay's public test merchants, one digit for all, and the sandbox's payee at PayPal.
EXAMPLE_NUMBER = re.compile(r"777290058|(.)\1+$|SANDBX|ABCDEFGHJKLMN$")


@register("payments", deploy=True)
def check_unionpay(**_options: Any) -> list[CheckMessage]:
    """Certificates and settings, before the first buyer finds out."""
    return [Error(problem, id="payments.E001") for problem in unionpay.problems()]


@register("payments", deploy=True)
def check_paypal(**_options: Any) -> list[CheckMessage]:
    """Whether mode and address of PayPal agree: else play money buys real goods, or the reverse."""
    address = urlsplit(settings.PAYPAL_API_BASE)
    host = address.hostname or ""
    is_local = host in {"127.0.0.1", "localhost", "::1"}
    problems: list[CheckMessage] = []
    if settings.PAYPAL_MODE not in {"live", "sandbox"}:
        problems.append(Error("PAYPAL_MODE must be live or sandbox.", id="payments.E002"))
    elif (settings.PAYPAL_MODE == "sandbox") != (is_local or host.endswith(".sandbox.paypal.com")):
        mismatch = f"PAYPAL_MODE is {settings.PAYPAL_MODE}, but PAYPAL_API_BASE is {host}."
        problems.append(Error(mismatch, id="payments.E003"))
    if address.scheme != "https" and not is_local:
        problems.append(Error("PAYPAL_API_BASE must begin with https://.", id="payments.E004"))
    if not settings.PAYPAL_MERCHANT_ID:
        problems.append(
            Warning("Without PAYPAL_MERCHANT_ID nobody checks who receives the money.", id="payments.W001")
        )
    return problems


@register("payments", deploy=True)
def check_play_money(**_options: Any) -> list[CheckMessage]:
    """Numbers and certificates that belong to nobody's shop."""
    problems: list[CheckMessage] = []
    for name, number in (
        ("PAYPAL_MERCHANT_ID", settings.PAYPAL_MERCHANT_ID),
        ("UNIONPAY_MERCHANT_ID", settings.UNIONPAY_MERCHANT_ID),
    ):
        if EXAMPLE_NUMBER.match(number):
            problems.append(
                Error(
                    f"{name} is a number of the sandbox, of a test environment or of the example.",
                    hint="Yours stands in PayPal's dashboard, or in the contract with UnionPay's acquirer.",
                    id="payments.E005",
                )
            )
    if play := unionpay.play_files():
        problems.append(
            Error(
                f"UNIONPAY_CERT_DIR holds files of a sandbox or a test environment: {', '.join(play)}.",
                hint="With the sandbox's root.pem whoever has its key signs that orders were paid.",
                id="payments.E006",
            )
        )
    return problems
