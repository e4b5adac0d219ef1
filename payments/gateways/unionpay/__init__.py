"""UnionPay ACP 5.1.0: card fields encrypted in the browser, or UnionPay's own page."""

from .card import CardForm, card_form, checked_card
from .gateway import UnionPay, renew_encryption_certificate
from .health import problems, warnings

__all__ = [
    "CardForm",
    "UnionPay",
    "card_form",
    "checked_card",
    "problems",
    "renew_encryption_certificate",
    "warnings",
]
