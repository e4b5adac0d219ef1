"""Part of the sandbox behind a real port, in this process, with an empty memory."""

import threading
from contextlib import contextmanager

import pytest
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test import override_settings

from payments.sandbox import scheduler, store
from payments.sandbox.faults.transport import ConnectionHandler
from payments.sandbox.urls import rehearsal_urlpatterns


class QuietHandler(ConnectionHandler):
    def log_message(self, *args):
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 64


class Timers:
    """``store.after`` for tests: quick, and over before the sandbox is."""

    def __init__(self):
        self.started = []

    def after(self, seconds, action, *arguments):
        timer = threading.Timer(seconds / 10, action, arguments)
        timer.daemon = True
        timer.start()
        self.started.append(timer)

    def stop(self):
        for timer in self.started:
            timer.cancel()
            timer.join()


def handler_for(urlconf):
    """A WSGI application for these addresses, without the shop's middleware."""

    class SandboxHandler(WSGIHandler):
        request_class = type("SandboxRequest", (WSGIRequest,), {"urlconf": tuple(urlconf)})

    with override_settings(MIDDLEWARE=[]):
        return SandboxHandler()


@contextmanager
def serving(urlconf, folder, settings_at, *, prepare=lambda: None):
    """Yield the origin; ``/faults`` and ``/acts`` are there too. What the shop and PayPal said to each other
    is judged at the end, unless a fault on the line was ordered for it.

    ``settings_at(origin)`` leads the shop there; ``folder`` is the sandbox's memory.
    """
    server = Server(("127.0.0.1", 0), QuietHandler)
    origin = f"http://127.0.0.1:{server.server_port}"
    timers = Timers()
    record = folder / "paypal-exchanges.jsonl"
    settings = {
        "VAR_DIR": folder,
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "SANDBOX_RECORD_FILE": str(record),
        **settings_at(origin),
    }
    with pytest.MonkeyPatch.context() as patch, override_settings(**settings):
        patch.setattr(store, "after", timers.after)
        store._database.cache_clear()
        prepare()
        server.set_app(handler_for((*urlconf, *rehearsal_urlpatterns)))
        ticker = scheduler.Ticker(0.1)
        ticker.start()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield origin
        ticker.stop()
        timers.stop()
        server.shutdown()
        thread.join()
        server.server_close()
        store.close()
    if record.exists():
        from .paypal_record import verdict  # takes long to import

        assert verdict(record).violations == []
