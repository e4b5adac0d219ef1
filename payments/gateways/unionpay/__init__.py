"""UnionPay ACP 5.1.0: card fields encrypted in the browser, or UnionPay's own page.

Re-exports its public face: the gateway, the card form, and what the health checks ask.
"""

from .card import CardForm, card_form, checked_card
from .gateway import UnionPay, renew_encryption_certificate
from .health import Ending, endings, play_files, problems, renewal_fails_since, warnings

__all__ = [
    "CardForm",
    "Ending",
    "UnionPay",
    "card_form",
    "checked_card",
    "endings",
    "play_files",
    "problems",
    "renew_encryption_certificate",
    "renewal_fails_since",
    "warnings",
]
