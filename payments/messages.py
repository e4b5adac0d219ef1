"""What a buyer reads when a payment did not go through: whether money was taken, and what to do next."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .attempts import UNREACHABLE
from .gateways.unionpay import codes
from .models import Payment

_DECLINED = _("Payment was declined. No money was taken. Please use another card or PayPal.")
_UNREACHABLE = _(
    "The payment service could not be reached. No money was taken. Please try again in a moment."
)
_PAYPAL = _(
    "PayPal could not take this payment. No money was taken. "
    "Please choose another way to pay at PayPal, or a UnionPay credit card."
)
_CARD = _(
    "The bank could not match the card number, expiration date or CVC. No money was taken. "
    "Please enter the card once more."
)
_OWN_PAGE = _(
    "This card needs a step on UnionPay's own page. No money was taken. "
    "Please continue there without entering the card here, or use PayPal."
)
_TIMED_OUT = _("The time to pay has run out. No money was taken. Please try again.")


def explanation(payment: Payment) -> Promise | None:
    """Why the attempt did not lead to a payment; None while there is nothing to explain."""
    if payment.status == Payment.Status.EXPIRED:
        return _TIMED_OUT
    if payment.problem == UNREACHABLE and payment.status == Payment.Status.CREATED:
        return _UNREACHABLE
    if not payment.problem or payment.status in {Payment.Status.CAPTURED, Payment.Status.SUPERSEDED}:
        return None
    if payment.gateway == "paypal":
        return _PAYPAL if payment.problem != UNREACHABLE else None
    if payment.status != Payment.Status.DECLINED:
        return None
    return {codes.Meaning.CARD: _CARD, codes.Meaning.OWN_PAGE: _OWN_PAGE}.get(
        codes.meaning(payment.problem), _DECLINED
    )
