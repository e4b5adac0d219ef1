"""The sandbox's one process: PayPal, UnionPay and a mailbox on loopback, over real HTTP and SMTP."""

import logging
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from aiosmtpd.controller import Controller
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer
from django.http import HttpRequest, HttpResponse
from whitenoise import WhiteNoise

from payments.sandbox.faults.transport import ConnectionHandler

from . import scheduler
from .mailbox import Inbox
from .paypal import webhooks
from .unionpay import notifications
from .unionpay.pki import ensure_keys

HOST = "127.0.0.1"  # never another: the sandbox believes everybody


class Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 128


class CannotStart(Exception):
    """The reason, in one line."""


def configure() -> None:
    """Turn this process from the shop into the sandbox. Before the first request."""
    settings.ROOT_URLCONF = "payments.sandbox.urls"
    settings.ALLOWED_HOSTS = [HOST, "localhost"]
    settings.MIDDLEWARE = [
        "payments.sandbox.server.only_of_this_machine",
        "django.middleware.security.SecurityMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.middleware.locale.LocaleMiddleware",
    ]
    # A form here may end with a redirect to the shop, and Chromium holds form-action against redirects.
    settings.CONTENT_SECURITY_POLICY = {
        "DIRECTIVES": {"default-src": ["'self'"], "form-action": ["'self'", settings.SITE_URL]}
    }
    engine: dict[str, Any] = settings.TEMPLATES[0]
    processors = ["django.template.context_processors.request", "django.template.context_processors.csrf"]
    settings.TEMPLATES = [{**engine, "OPTIONS": {**engine["OPTIONS"], "context_processors": processors}}]
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    logging.getLogger("django.server").setLevel(logging.WARNING)  # no line per request: log.jsonl has them


def only_of_this_machine(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Refuse other host names: a page elsewhere could point its own name here and read the mailbox."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.get_host()  # raises DisallowedHost
        return get_response(request)

    return middleware


def serve() -> None:
    """Until SIGTERM or Ctrl-C. Raises ``CannotStart``."""
    if settings.PRODUCTION:
        raise CannotStart("The sandbox does not run with SHOP_MODE=production.")
    configure()
    ensure_keys()
    server = _http_server()
    mailbox = _smtp_server()
    signal.signal(signal.SIGTERM, _interrupt)
    webhooks.resume()
    notifications.resume()
    scheduler.Ticker().start()
    try:
        with suppress(KeyboardInterrupt):
            server.serve_forever()
    finally:
        server.server_close()
        if mailbox:
            mailbox.stop()


def _http_server() -> Server:
    try:
        server = Server((HOST, settings.SANDBOX_PORT), ConnectionHandler)
    except OSError as problem:
        raise CannotStart(f"SANDBOX_PORT {settings.SANDBOX_PORT}: {problem.strerror}.") from None
    static = settings.BASE_DIR / "static"
    server.set_app(WhiteNoise(WSGIHandler(), root=static, prefix="static/", max_age=0))
    return server


def _smtp_server() -> Controller | None:
    if settings.EMAIL_HOST != HOST:  # mails go to a real server
        return None
    controller = Controller(Inbox(), hostname=HOST, port=settings.EMAIL_PORT, enable_SMTPUTF8=True)
    try:
        controller.start()
    except OSError as problem:
        raise CannotStart(f"SANDBOX_SMTP_PORT {settings.EMAIL_PORT}: {problem.strerror}.") from None
    return controller


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt
