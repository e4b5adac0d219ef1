"""What a buyer reads when a payment did not go through: whether money was taken, and what to do next."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from checkout.models import Order
from payments.gateways.paypal import codes as paypal
from payments.gateways.unionpay import codes as unionpay
from payments.models import Payment
from payments.models.payment import NOTHING_LEARNT, REFUSES_US

Status = Payment.Status

_TIMED_OUT = _("The time to pay has run out. No money was taken. Please try again.")
_UNREACHABLE = _(
    "The payment service could not be reached. No money was taken. Please try again in a moment, "
    "or choose the other way to pay."
)
CODE_USED = "PROMO_CODE_USED"  # ours, not the gateway's
CODE_WAS_USED = _(
    "The promo code of this order was used meanwhile by another order with this e-mail address, so this "
    "order cannot be paid as it is. No money was taken. Please place the order again at the checkout, "
    "without the code."
)
_CODE_WAS_USED_NOT_KNOWN = _(
    "The promo code of this order was used meanwhile by another order with this e-mail address, so this "
    "order cannot be paid as it is. If you have paid on UnionPay's page already, please do not pay again: we "
    "write to you as soon as we know. If you have not, please place the order again at the checkout, without "
    "the code."
)
_OUT_OF_ORDER = _(
    "This way to pay is out of order at the moment. No money was taken. "
    "Please choose the other way to pay; we have been told."
)
_NOT_KNOWN = _(
    "The payment service cannot be reached at the moment, so we do not know yet whether you have paid there. "
    "If you have, please do not pay again: we write to you as soon as we know. "
    "If you have not, you can try again or choose the other way to pay."
)

# --- PayPal ---
_OTHER_FUNDING = _(
    "PayPal could not take this payment. No money was taken. "
    "Please choose another way to pay at PayPal, or a UnionPay credit card."
)
_NOT_BY_PAYPAL = _(
    "PayPal declined this payment. No money was taken. Please pay with a UnionPay credit card, "
    "or with another PayPal account."
)
_ADDRESS = _(
    "PayPal did not accept the delivery address. No money was taken. "
    'Please correct it under "Change", or pay with a UnionPay credit card.'
)
_TOO_LATE_AT_PAYPAL = _(
    "PayPal's page had been open for too long. No money was taken. Please start the payment again."
)
_GONE = paypal.GONE | {"START_TOO_OLD", "VOIDED"}

# --- UnionPay ---
_DECLINED = _("Payment was declined. No money was taken. Please use another card or PayPal.")
_CARD = _(
    "The bank could not match the card number, expiration date or CVC. No money was taken. "
    "Please enter the card once more."
)
_WRONG_CODE = _(
    "The code from the text message was wrong. No money was taken. "
    "Please enter it again, or ask for a new one."
)
_PHONE = _("The bank does not know this mobile number for this card. No money was taken. Please check both.")
_CODE_TOO_LATE = _(
    "The time for the code has run out. No money was taken. Please have a new code sent and enter that one."
)
_OWN_PAGE = _(
    "This card needs a step on UnionPay's own page. No money was taken. "
    "Please continue there without entering the card here, or use PayPal."
)
_BALANCE = _(
    "The balance or the limit of the card does not suffice. No money was taken. "
    "Please use another card or PayPal."
)
_BANK = _(
    "The bank that issued the card refused the payment. No money was taken. "
    "Please ask the bank, or use another card or PayPal."
)
_CAME_TOO_LATE = _(
    "The bank confirmed the payment only after the time to pay had run out. UnionPay returns the money by "
    "itself within about five working days. Please pay again only if you still want the order."
)
_UNIONPAY = {
    "33": _BALANCE, "64": _BALANCE, "81": _BALANCE, "90": _BALANCE,
    "42": _CAME_TOO_LATE,
    "60": _BANK, "67": _BANK, "78": _BANK,
    "66": _PHONE,
    "69": _CODE_TOO_LATE,
}  # fmt: skip
_MEANINGS = {
    unionpay.Meaning.CARD: _CARD,
    unionpay.Meaning.SMS_CODE: _WRONG_CODE,
    unionpay.Meaning.OWN_PAGE: _OWN_PAGE,
}


def explanation(payment: Payment) -> Promise | None:
    """Why the attempt did not lead to a payment; None while there is nothing to explain."""
    if payment.status == Status.EXPIRED:
        return _TIMED_OUT
    if payment.status == Status.AWAITING and payment.approval_declined_at:
        return _OTHER_FUNDING  # since then nothing was captured, however silent PayPal may be
    if not payment.problem or payment.status in {Status.CAPTURING, Status.CAPTURED, Status.SUPERSEDED}:
        return None
    if payment.problem in NOTHING_LEARNT:
        return _unanswered(payment)
    return _paypal(payment.problem) if payment.gateway == "paypal" else _unionpay(payment)


def code_was_used(order: Order) -> Promise:
    """Why the order cannot be paid. What happens on UnionPay's own page is known only once it is asked."""
    opened = order.payments.filter(method=Payment.Method.UNIONPAY_PAGE).exclude(status=Status.DECLINED)
    return _CODE_WAS_USED_NOT_KNOWN if opened.exists() else CODE_WAS_USED


def _unanswered(payment: Payment) -> Promise:
    if payment.status == Status.AWAITING:
        return _NOT_KNOWN
    return _OUT_OF_ORDER if payment.problem == REFUSES_US else _UNREACHABLE


def _paypal(problem: str) -> Promise:
    if problem == CODE_USED:
        return CODE_WAS_USED
    if problem in paypal.ADDRESS:
        return _ADDRESS
    if problem in _GONE:
        return _TOO_LATE_AT_PAYPAL
    if paypal.concern_of(problem) == "ours":
        return _OUT_OF_ORDER
    return _OTHER_FUNDING if paypal.takes_other_funding(problem) else _NOT_BY_PAYPAL


def _unionpay(payment: Payment) -> Promise | None:
    """A code that leaves the outcome open explains nothing."""
    code = payment.problem
    if payment.status != Status.DECLINED and unionpay.meaning(code) is unionpay.Meaning.UNKNOWN:
        return None
    return _UNIONPAY.get(code) or _MEANINGS.get(unionpay.meaning(code), _DECLINED)
