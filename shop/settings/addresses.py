"""Where this shop is reached, and whom it believes about addresses."""

from urllib.parse import urlsplit

from .environment import PRODUCTION, env, required

PORT = env.int("PORT", 8000)
SANDBOX_PORT = env.int("SANDBOX_PORT", 8001)
SANDBOX_URL = "" if PRODUCTION else f"http://127.0.0.1:{SANDBOX_PORT}"
# The one public address of the shop. Links in mails and return addresses are built from it, never from the
# Host header.
SITE_URL = required("SITE_URL", demo=lambda: f"http://127.0.0.1:{PORT}").rstrip("/")
_host = urlsplit(SITE_URL).hostname or ""
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[_host, "127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = [SITE_URL]
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
