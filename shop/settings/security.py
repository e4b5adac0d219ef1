"""Sessions, sign-in, cookies, limits and headers."""

from csp.constants import NONE, SELF

from .environment import PRODUCTION, env

# --- sessions, sign-in, cookies -----------------------------------------------------------------------------
SESSION_ENGINE = "shop.web.sessions"
SESSION_COOKIE_AGE = 30 * 24 * 3600
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if PRODUCTION else "csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict is not sent on the way back from a gateway
MESSAGE_STORAGE = "shop.web.messages_storage.Storage"
LANGUAGE_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "shop.web.error_pages.csrf_failure"
# Staff have a session of their own: shop/admin/sign_in/sessions.py.
STAFF_COOKIE_NAME = "__Host-staff" if PRODUCTION else "staff"
KNOWN_BROWSER_COOKIE_NAME = "__Host-known" if PRODUCTION else "known"
# Whether whoever may do more than pack and write reports needs a second factor to sign in.
STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", PRODUCTION)
# Limits are exact in our gate (shop/admin/sign_in/limits.py), and what happened stands in the audit trail. Of
# axes the middleware is used; it writes nothing, for a row of each refused sign-in would fill the disk.
AUTHENTICATION_BACKENDS = ["shop.admin.sign_in.backends.Gate", "django.contrib.auth.backends.ModelBackend"]
AXES_HANDLER = "axes.handlers.dummy.AxesDummyHandler"
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_CALLABLE = "shop.admin.sign_in.pages.locked_out"
AXES_VERBOSE = False
PASSWORD_HASHERS = ["shop.admin.sign_in.hashers.Argon2", "shop.admin.sign_in.hashers.PBKDF2"]
_validation = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_validation}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_validation}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_validation}.NumericPasswordValidator"},
    {"NAME": "shop.admin.sign_in.passwords.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# --- limits -------------------------------------------------------------------------------------------------
NEW_SESSIONS_PER_NETWORK = env.int("NEW_SESSIONS_PER_NETWORK", 300)  # in 15 minutes; an office is one
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # staff's page of a service: 27 a question
FILE_UPLOAD_HANDLERS = ["shop.web.upload_handler.CappedUploadHandler"]
# What strangers may have the shop keep: docs/operations.md.
PAYPAL_NOTICES_WAITING = env.int("PAYPAL_NOTICES_WAITING", 200)  # about nothing of ours, not verified yet
UPLOADS_UNCLAIMED_MB = env.int("UPLOADS_UNCLAIMED_MB", 5_000)  # files of nothing that was paid, together
UPLOADS_FREE_MB = env.int("UPLOADS_FREE_MB", 500)  # that stay free on their disk

# --- headers ------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = PRODUCTION
# No browser asks for these: a redirect would hide from a gateway that it writes in clear. The view refuses.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^pay/notify/"]
# How long browsers refuse plain HTTP. They cannot be told otherwise before it is over, so what reaches beyond
# this shop's own name is for the owner to say; Django's check would demand it of everybody.
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 31536000) if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION and env.bool("HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = PRODUCTION and env.bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
BEHIND_TLS_PROXY = env.bool("BEHIND_TLS_PROXY", PRODUCTION)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],  # each kind that a page needs is named
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],  # data: the arrow of a list of choices
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
