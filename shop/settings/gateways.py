"""PayPal and UnionPay. What each setting means: docs/paypal.md, docs/unionpay.md."""

from pathlib import Path

from .addresses import SANDBOX_URL
from .environment import PRODUCTION, VAR_DIR, env, required, secret

# --- PayPal -------------------------------------------------------------------------------------------------
PAYPAL_MODE = env.str("PAYPAL_MODE", "live" if PRODUCTION else "sandbox")
PAYPAL_CLIENT_ID = required("PAYPAL_CLIENT_ID", demo=lambda: "demo-client")
PAYPAL_CLIENT_SECRET = secret("PAYPAL_CLIENT_SECRET")
PAYPAL_WEBHOOK_ID = required("PAYPAL_WEBHOOK_ID", demo=lambda: "DEMOWEBHOOK000001")
PAYPAL_MERCHANT_ID = env.str("PAYPAL_MERCHANT_ID", "" if PRODUCTION else "SANDBXMERCH22")
# In delivery addresses. PayPal's code for China seen from abroad; whether "CN" is wanted is unverified.
PAYPAL_CHINA_CODE = env.str("PAYPAL_CHINA_CODE", "C2")
PAYPAL_API_BASE = required("PAYPAL_API_BASE", demo=lambda: f"{SANDBOX_URL}/paypal").rstrip("/")
# Hosts a buyer may be sent to: scheme://host[:port].
PAYPAL_BUYER_ORIGINS = env.list(
    "PAYPAL_BUYER_ORIGINS", default=["https://www.paypal.com"] if PRODUCTION else [SANDBOX_URL]
)

# --- UnionPay -----------------------------------------------------------------------------------------------
UNIONPAY_MODE = env.str("UNIONPAY_MODE", "onsite")  # card fields encrypted in the browser; or redirect
UNIONPAY_CARD_BIZ_TYPE = env.str("UNIONPAY_CARD_BIZ_TYPE", "000301")  # the contract's product: card fields
UNIONPAY_PAGE_BIZ_TYPE = env.str("UNIONPAY_PAGE_BIZ_TYPE", "000201")  # and UnionPay's own page
UNIONPAY_PHONE_CHANNEL = env.bool("UNIONPAY_PHONE_CHANNEL", False)  # telephones get a channelType, 08
UNIONPAY_SMS = env.bool("UNIONPAY_SMS", False)  # a code by text message first (onsite); docs/unionpay.md
# Whether a whole payment is undone within its clearing day, which ends at this time in Beijing.
UNIONPAY_VOID = env.bool("UNIONPAY_VOID", True)
UNIONPAY_DAY_ENDS = env.str("UNIONPAY_DAY_ENDS", "23:00")
UNIONPAY_MERCHANT_ID = required("UNIONPAY_MERCHANT_ID", demo=lambda: "777290058100000")
_unionpay_gateway = required("UNIONPAY_GATEWAY", demo=lambda: f"{SANDBOX_URL}/unionpay/gateway/api")
UNIONPAY_GATEWAY = _unionpay_gateway.rstrip("/")
UNIONPAY_BUYER_ORIGINS = env.list(
    "UNIONPAY_BUYER_ORIGINS",
    default=["https://gateway.95516.com", "https://cashier.95516.com"] if PRODUCTION else [SANDBOX_URL],
)
# A folder with root.pem, middle.pem, merchant.pfx (our signing key) and encryption.pem (UnionPay's public).
UNIONPAY_CERT_DIR = Path(required("UNIONPAY_CERT_DIR", demo=lambda: str(VAR_DIR / "unionpay")))
UNIONPAY_PFX_PASSWORD = required("UNIONPAY_PFX_PASSWORD", demo=lambda: "000000")
UNIONPAY_ALLOW_TEST_CN = env.bool("UNIONPAY_ALLOW_TEST_CN", False)
