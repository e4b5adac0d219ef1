"""What the owner decides: names, money, whom to write to, and how long things are kept or held."""

from decimal import Decimal, InvalidOperation

from django.core.exceptions import ImproperlyConfigured

from .environment import PRODUCTION, env

SHOP_NAME = {
    "zh-hant": env.str("SHOP_NAME_ZH_HANT", "雲硯閣"),
    "en": env.str("SHOP_NAME_EN", "Cloud Inkstone"),
}
CURRENCY = env.str("CURRENCY", "HKD")
MERCHANT_EMAILS = env.list("MERCHANT_EMAILS", default=["merchant@shop.example"])
CONSULTANT_EMAILS = env.list("CONSULTANT_EMAILS", default=["consultants@shop.example"])
CUSTOMER_SERVICE_EMAIL = env.str("CUSTOMER_SERVICE_EMAIL", "service@shop.example")
SECURITY_EMAIL = env.str("SECURITY_EMAIL", CUSTOMER_SERVICE_EMAIL)  # whom to tell of a hole: security.txt
CUSTOMER_SERVICE_PHONE = env.str("CUSTOMER_SERVICE_PHONE", "+852 5808 0000")
# What of one order one person may refund, all together; more needs a second one. Empty: any amount.
_above = env.str("REFUND_FOUR_EYES_ABOVE", "5000" if PRODUCTION else "")
try:
    REFUND_FOUR_EYES_ABOVE = Decimal(_above) if _above else None
except InvalidOperation:
    raise ImproperlyConfigured("REFUND_FOUR_EYES_ABOVE is no amount. See .env.example.") from None
MAILBOX_FOUR_EYES = env.bool("MAILBOX_FOUR_EYES", PRODUCTION)  # giving an order to another mailbox
# Versions of the texts a buyer agrees to. Raise one with every change of its text; orders keep theirs.
TERMS_VERSION = "2026-11"
REFUND_VERSION = "2026-11"
PRIVACY_VERSION = "2026-12"
# How long personal data is kept, as the privacy page says (shop/privacy/retention.py).
KEEP_ORDERS_YEARS = env.int("KEEP_ORDERS_YEARS", 7)  # what the accounts need, and reports at most
KEEP_ADDRESSES_DAYS = env.int("KEEP_ADDRESSES_DAYS", 365)  # after the last parcel
KEEP_UNPAID_DAYS = env.int("KEEP_UNPAID_DAYS", 90)  # orders that were never paid
KEEP_UNPAID_ANSWERS_DAYS = env.int("KEEP_UNPAID_ANSWERS_DAYS", 7)  # of them; gateways are asked for four
KEEP_MESSAGES_DAYS = env.int("KEEP_MESSAGES_DAYS", 365)  # with the consultant, once the report is there
KEEP_ACCESS_LOG_DAYS = env.int("KEEP_ACCESS_LOG_DAYS", 730)
KEEP_NOTIFICATIONS_DAYS = env.int("KEEP_NOTIFICATIONS_DAYS", 400)  # of the payment services
KEEP_AUDIT_DAYS = env.int("KEEP_AUDIT_DAYS", 730)  # who of the staff did or looked at what
MOST_PER_ORDER = env.int("MOST_PER_ORDER", 20)  # pieces of goods whose own limit is empty
# Orders that are not paid: from one network and its surroundings, checkout/stock.py.
STOCK_HOLD_MINUTES = env.int("STOCK_HOLD_MINUTES", 10)  # until a payment is begun
UNPAID_PER_ADDRESS = env.int("UNPAID_PER_ADDRESS", 3)
UNPAID_PER_NETWORK = env.int("UNPAID_PER_NETWORK", 20)  # an office is one, or a street's telephones
PAYMENTS_PER_NETWORK = env.int("PAYMENTS_PER_NETWORK", 60)  # begun again in half an hour
UNPAID_SHARE_PERCENT = env.int("UNPAID_SHARE_PERCENT", 50)  # of what is on hand
# What a browser may see of an order (checkout/order_access.py), from when it was placed or opened there.
ORDER_KEY_SHOWN_HOURS = 2  # order key and files, in the browser that placed it; then only by e-mail
PLACED_GRANT_DAYS = 90  # what was ordered, in the browser that placed it
GRANT_DAYS = 30  # the same, where its e-mail address was named or a mailed link opened it
NEW_BROWSERS_A_DAY = 5  # that name an order's e-mail address: each is told to its mailbox
CORRECTION_MINUTES = 60  # after payment, in which the buyer may correct address and e-mail
PAYMENT_HOLD_MINUTES = {"paypal": 30, "unionpay": 60}
