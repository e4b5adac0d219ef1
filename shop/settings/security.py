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
# What strangers may have the shop keep: docs/operations.md.
PAYPAL_NOTICES_WAITING = env.int("PAYPAL_NOTICES_WAITING", 200)  # about nothing of ours, not verified yet
UPLOADS_UNCLAIMED_MB = env.int("UPLOADS_UNCLAIMED_MB", 5_000)  # files that belong to no order yet, together
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
