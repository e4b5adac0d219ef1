"""All settings. Everything that differs between machines comes from the environment.

``SHOP_MODE`` is ``demo`` (default) or ``production``. The demo needs no variable at all: it makes its secrets
at first start, keeps them in ``VAR_DIR`` and talks to the sandbox. Production has no default for a secret:
what is missing is named in one line and nothing starts. Every variable stands in ``.env.example``.
"""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from shop.monitoring.logging import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent


class Environment(environ.Env):  # type: ignore[misc]  # has no types
    def get_value(self, var: str, *arguments: Any, **options: Any) -> Any:
        try:
            return super().get_value(var, *arguments, **options)
        except ValueError:
            raise ImproperlyConfigured(f"{var} holds a value of the wrong kind. See .env.example.") from None


env = Environment()
_env_file = Path(env.str("ENV_FILE", str(BASE_DIR / ".env")))
if _env_file.is_file():
    env.read_env(_env_file)  # what is already in the environment wins

SHOP_MODE = env.str("SHOP_MODE", "demo")
if SHOP_MODE not in {"demo", "production"}:
    raise ImproperlyConfigured("SHOP_MODE must be demo or production.")
PRODUCTION = SHOP_MODE == "production"
DEBUG = env.bool("DEBUG", False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG cannot be on with SHOP_MODE=production.")

# State of this installation: database, queue, media, generated demo secrets. Ignored by git.
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / ".var"))).resolve()
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _demo_secret(name: str, make: Callable[[], str]) -> str:
    """A secret for the demo, made once and kept readable by the owner only."""
    from shop.devstack.file_lock import exclusive

    path = VAR_DIR / "demo-secrets.json"
    with exclusive(VAR_DIR / "demo-secrets.lock"):
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in kept:
            kept[name] = make()
            fresh = path.with_suffix(".new")  # a process killed while writing must not leave half a file
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(kept, indent=1))
            fresh.replace(path)
    return kept[name]


def _required(name: str, *, demo: Callable[[], str]) -> str:
    """The variable; in the demo something that works; in production its absence stops the start."""
    value = env.str(name, "")
    if value:
        return str(value)
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return demo()


def _secret(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    return _required(name, demo=lambda: _demo_secret(name, make))


# --- secrets (lists: newest first) --------------------------------------------------------------------------
SECRET_KEY = _secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SEAL_KEYS = _secret("SEAL_KEYS", _fernet_key).split(",")  # Fernet keys: personal answers, sealed order keys
ORDER_KEY_PEPPERS = _secret("ORDER_KEY_PEPPERS").split(",")  # HMAC keys of the order key look-up
ESCROW_KEYS = _secret("ESCROW_KEYS", _fernet_key).split(",")  # Fernet keys: the shop's wrap of report keys

# --- addresses ----------------------------------------------------------------------------------------------
PORT = env.int("PORT", 8000)
SANDBOX_PORT = env.int("SANDBOX_PORT", 8001)
SANDBOX_URL = "" if PRODUCTION else f"http://127.0.0.1:{SANDBOX_PORT}"
# The one public address of the shop. Links in mails and return addresses are built from it, never from the
# Host header.
SITE_URL = _required("SITE_URL", demo=lambda: f"http://127.0.0.1:{PORT}").rstrip("/")
_host = urlsplit(SITE_URL).hostname or ""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_host, "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

# --- the shop -----------------------------------------------------------------------------------------------
SHOP_NAME = {
    "zh-hant": env.str("SHOP_NAME_ZH_HANT", "雲硯閣"),
    "en": env.str("SHOP_NAME_EN", "Cloud Inkstone"),
}
CURRENCY = env.str("CURRENCY", "HKD")
MERCHANT_EMAILS = env.list("MERCHANT_EMAILS", default=["merchant@shop.example"])
CONSULTANT_EMAILS = env.list("CONSULTANT_EMAILS", default=["consultants@shop.example"])
CUSTOMER_SERVICE_EMAIL = env.str("CUSTOMER_SERVICE_EMAIL", "service@shop.example")
CUSTOMER_SERVICE_PHONE = env.str("CUSTOMER_SERVICE_PHONE", "+852 5808 0000")
# Versions of the texts a buyer agrees to. Raise one with every change of its text; orders keep theirs.
TERMS_VERSION = "2026-11"
REFUND_VERSION = "2026-11"
PRIVACY_VERSION = "2026-12"
# How long personal data is kept, as the privacy page says (shop/privacy/retention.py).
KEEP_ORDERS_YEARS = env.int("KEEP_ORDERS_YEARS", 7)  # what the accounts need, and reports at most
KEEP_ADDRESSES_DAYS = env.int("KEEP_ADDRESSES_DAYS", 365)  # after the last parcel
KEEP_UNPAID_DAYS = env.int("KEEP_UNPAID_DAYS", 90)  # orders that were never paid
KEEP_MESSAGES_DAYS = env.int("KEEP_MESSAGES_DAYS", 365)  # with the consultant, once the report is there
KEEP_ACCESS_LOG_DAYS = env.int("KEEP_ACCESS_LOG_DAYS", 730)
KEEP_NOTIFICATIONS_DAYS = env.int("KEEP_NOTIFICATIONS_DAYS", 400)  # of the payment services
STOCK_HOLD_MINUTES = 30
CORRECTION_MINUTES = 60  # after payment, in which the buyer may correct address and e-mail
PAYMENT_HOLD_MINUTES = {"paypal": 30, "unionpay": 60}

INSTALLED_APPS = [
    "shop",
    "catalog",
    "cart",
    "checkout",
    "payments",
    "consulting",
    "csp",
    "axes",
    "phonenumber_field",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "shop.web.middleware.request_id",
    "shop.web.middleware.refuse_without_secrets",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.web.unsent.SignedOutStaff",
    "shop.web.once.OncePerPage",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "shop.web.middleware.personal_pages_are_not_cached",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
TEMPLATE_BUILTINS = ["django.templatetags.i18n", "django.templatetags.static", "shop.templatetags.shop"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csrf",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.web.context_processors.shop",
                "cart.context_processors.cart",
            ],
            "builtins": TEMPLATE_BUILTINS,
        },
    }
]
FORM_RENDERER = "shop.web.form_renderer.Renderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- stores -------------------------------------------------------------------------------------------------
DATABASE_URL = _required("DATABASE_URL", demo=lambda: f"sqlite:///{VAR_DIR / 'shop.sqlite3'}")
if not DATABASE_URL.startswith(("postgresql://", "postgres://", "sqlite:///")):
    raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// or sqlite:///")
DATABASES: dict[str, dict[str, Any]] = {"default": environ.Env.db_url_config(DATABASE_URL)}
_database = DATABASES["default"]
_database["ATOMIC_REQUESTS"] = False  # a request transaction would stay open across gateway calls
if _database["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction takes the write lock when it begins, so reading before writing is safe.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # What stands in the address, such as sslmode, wins.
    _database["OPTIONS"] = {"connect_timeout": 3, **_database.get("OPTIONS", {})}
# Seconds a session may hold up others, by kind of process (shop/database.py). Commands have no limits: a
# migration takes the time it takes.
DATABASE_LIMITS = {
    "web": {"statement_timeout": 5, "lock_timeout": 3, "idle_in_transaction_session_timeout": 15},
    "worker": {"statement_timeout": 30, "lock_timeout": 3, "idle_in_transaction_session_timeout": 15},
}
DATABASE_SESSION_OPTIONS = _database["OPTIONS"].get("options", "")  # the address's own

REDIS_URL = env.str("REDIS_URL", "")
if PRODUCTION and not REDIS_URL:
    raise ImproperlyConfigured("REDIS_URL is not set. See .env.example.")
if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    # A silent broker must not hold up a checkout: these bound what a wake-up may cost (docs/decisions.md).
    # The worker's own wait for a task lasts a second, so two are enough for its answer too.
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "socket_connect_timeout": 1,
        "socket_timeout": 2,
        "visibility_timeout": 900,
    }
else:
    CELERY_BROKER_URL = "filesystem://localhost/"  # the host means nothing
    _queue = VAR_DIR / "queue"
    for _folder in ("messages", "control"):
        (_queue / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.01,
    }
# A wake-up is sent once. (Switching retries off altogether makes kombu try for 6 seconds.)
CELERY_TASK_PUBLISH_RETRY_POLICY = dict.fromkeys(
    ("max_retries", "interval_start", "interval_step", "interval_max"), 0
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # worker and beat wait for a broker however long it is away
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "shop"
CELERY_TASK_ROUTES = {"shop.tasks.deliver_outbox": {"queue": "outbox"}}
CELERY_TIMEZONE = "Asia/Hong_Kong"
CELERY_BEAT_SCHEDULER = "shop.background.beat_scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-runs.json")
_DECEMBER_DAYS = crontab(hour="10", minute="0", month_of_year="12")  # beat may be down on one of them
CELERY_BEAT_SCHEDULE = {
    "deliver the outbox": {"task": "shop.tasks.deliver_outbox", "schedule": 10},
    "sweep payments": {"task": "payments.tasks.sweep", "schedule": 10},
    "expire orders": {"task": "payments.tasks.expire_orders", "schedule": 30},
    "renew UnionPay's certificate": {
        "task": "payments.tasks.renew_encryption_certificate",
        "schedule": crontab(hour="9", minute="20"),
    },
    "watch certificates": {"task": "payments.tasks.watch_certificates", "schedule": crontab("40", "9")},
    "look after the money": {"task": "payments.tasks.watch_money", "schedule": crontab(minute="5")},
    "forget what is past its time": {"task": "shop.tasks.forget", "schedule": crontab(minute="35")},
    "erase as clients asked": {"task": "checkout.tasks.erase_confirmed", "schedule": crontab(minute="50")},
    "compare public holidays": {"task": "checkout.tasks.remind_of_gazettes", "schedule": _DECEMBER_DAYS},
}

# --- sessions, sign-in, cookies -----------------------------------------------------------------------------
SESSION_ENGINE = "shop.web.sessions"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict is not sent on the way back from a gateway
LANGUAGE_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "shop.web.error_pages.csrf_failure"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "shop.web.error_pages.locked_out"
AXES_CLIENT_IP_CALLABLE = "shop.web.client_address.client_address"
AXES_SENSITIVE_PARAMETERS = ["password"]
AXES_VERBOSE = False
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"

# --- limits -------------------------------------------------------------------------------------------------
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # staff's page of a service: 27 a question
FILE_UPLOAD_HANDLERS = ["shop.web.upload_handler.CappedUploadHandler"]

# --- headers ------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31536000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if env.bool("BEHIND_TLS_PROXY", PRODUCTION):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}

# --- language and time --------------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hant"
LANGUAGES = [("zh-hant", _("Traditional Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_TZ = True
TIME_ZONE = "Asia/Hong_Kong"
FORMAT_MODULE_PATH = ["shop.l10n.formats"]
PHONENUMBER_DEFAULT_REGION = "HK"
# Tests of a whole stack share one offset to the real time through this file; see shop/clock.py.
CLOCK_FILE = "" if PRODUCTION else env.str("SHOP_CLOCK_FILE", "")
# Tests kill processes through this file: shop/devstack/failpoints.py. Production refuses it.
CRASHPOINT_FILE = env.str("SHOP_CRASHPOINT_FILE", "")
# Tests judge what the sandbox's PayPal and the shop exchanged: payments/sandbox/paypal/exchange_log.py.
SANDBOX_RECORD_FILE = "" if PRODUCTION else env.str("SANDBOX_RECORD_FILE", "")

# --- files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    **{
        alias: {"BACKEND": "shop.privacy.private_storage.PrivateFileStorage", "OPTIONS": {"folder": alias}}
        for alias in ("answers", "reports")  # sealed files
    },
}
MEDIA_ROOT = VAR_DIR / "media"

# --- e-mail -------------------------------------------------------------------------------------------------
# The demo's SMTP server is the sandbox's mailbox.
_mailbox = f"smtp://127.0.0.1:{env.int('SANDBOX_SMTP_PORT', SANDBOX_PORT + 1)}"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default=_mailbox)
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "orders@shop.example")
if PRODUCTION and not env.str("EMAIL_URL", ""):
    raise ImproperlyConfigured("EMAIL_URL is not set. See .env.example.")

# --- PayPal -------------------------------------------------------------------------------------------------
PAYPAL_MODE = env.str("PAYPAL_MODE", "live" if PRODUCTION else "sandbox")
PAYPAL_CLIENT_ID = _required("PAYPAL_CLIENT_ID", demo=lambda: "demo-client")
PAYPAL_CLIENT_SECRET = _secret("PAYPAL_CLIENT_SECRET")
PAYPAL_WEBHOOK_ID = _required("PAYPAL_WEBHOOK_ID", demo=lambda: "DEMOWEBHOOK000001")
PAYPAL_MERCHANT_ID = env.str("PAYPAL_MERCHANT_ID", "" if PRODUCTION else "SANDBXMERCH22")
# In delivery addresses. PayPal's code for China seen from abroad; whether "CN" is wanted is unverified.
PAYPAL_CHINA_CODE = env.str("PAYPAL_CHINA_CODE", "C2")
PAYPAL_API_BASE = _required("PAYPAL_API_BASE", demo=lambda: f"{SANDBOX_URL}/paypal").rstrip("/")
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
UNIONPAY_MERCHANT_ID = _required("UNIONPAY_MERCHANT_ID", demo=lambda: "777290058100000")
_unionpay_gateway = _required("UNIONPAY_GATEWAY", demo=lambda: f"{SANDBOX_URL}/unionpay/gateway/api")
UNIONPAY_GATEWAY = _unionpay_gateway.rstrip("/")
UNIONPAY_BUYER_ORIGINS = env.list(
    "UNIONPAY_BUYER_ORIGINS",
    default=["https://gateway.95516.com", "https://cashier.95516.com"] if PRODUCTION else [SANDBOX_URL],
)
# A folder with root.pem, middle.pem, merchant.pfx (our signing key) and encryption.pem (UnionPay's public).
UNIONPAY_CERT_DIR = Path(_required("UNIONPAY_CERT_DIR", demo=lambda: str(VAR_DIR / "unionpay")))
UNIONPAY_PFX_PASSWORD = _required("UNIONPAY_PFX_PASSWORD", demo=lambda: "000000")
UNIONPAY_ALLOW_TEST_CN = env.bool("UNIONPAY_ALLOW_TEST_CN", False)

LOGGING = logging_config(level=env.str("LOG_LEVEL", "INFO"))
