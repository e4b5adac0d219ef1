"""All settings. Everything that differs between machines comes from the environment.

``SHOP_MODE`` is ``demo`` or ``production``; `make run` says demo, which needs no other variable: it makes its
secrets at first start, keeps them in ``VAR_DIR`` and talks to the sandbox. Production has no default for a
secret: what is missing is named in one line and nothing starts. Every variable stands in ``.env.example``.
What belongs together has a module of its own, and all of it is read here.
"""

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from shop.monitoring.logging import logging_config

from .addresses import *
from .addresses import SANDBOX_PORT
from .background import *
from .background import CELERY_BROKER_TRANSPORT_OPTIONS, REDIS_URL
from .business import *
from .database import *
from .environment import *
from .environment import BASE_DIR, PRODUCTION, VAR_DIR, env
from .gateways import *
from .security import *

# --- the parts ----------------------------------------------------------------------------------------------
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
    "shop.apps.ShopAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "shop.web.middleware.request_id",
    "shop.web.middleware.headers_of_all",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "shop.web.middleware.refuse_without_secrets",
    "shop.web.middleware.fair_lines",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "shop.web.middleware.few_new_sessions",
    "shop.admin.sign_in.sessions.StaffSessions",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.audit.middleware.AuditStaff",
    "shop.web.unsent.SignedOutStaff",
    "shop.admin.sign_in.guard.Guard",
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
WHITENOISE_ALLOW_ALL_ORIGINS = False
MEDIA_ROOT = VAR_DIR / "media"

# --- e-mail -------------------------------------------------------------------------------------------------
# The demo's SMTP server is the sandbox's mailbox.
_mailbox = f"smtp://127.0.0.1:{env.int('SANDBOX_SMTP_PORT', SANDBOX_PORT + 1)}"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default=_mailbox)
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    EMAIL_BACKEND = "shop.background.smtp.EmailBackend"  # whose conversations end in time
EMAIL_TIMEOUT = 20  # for one answer
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "orders@shop.example")
if PRODUCTION and not env.str("EMAIL_URL", ""):
    raise ImproperlyConfigured("EMAIL_URL is not set. See .env.example.")

# --- the world ----------------------------------------------------------------------------------------------
# A restored copy begins with this off, lest it sends mails twice: shop/background/outbound.py.
OUTBOUND = env.bool("SHOP_OUTBOUND", True)
if not OUTBOUND:
    EMAIL_BACKEND = "shop.background.outbound.HeldMails"
    CELERY_BEAT_SCHEDULE = {}
    if REDIS_URL:  # perhaps still the live shop's: its worker's tasks are not for this copy to take
        CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = "silent-copy:"

LOGGING = logging_config(level=env.str("LOG_LEVEL", "INFO"))
