"""A server that answers as a test tells it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "/v1/oauth2/token"
ORDER = "/v2/checkout/orders/5O190127TN364715T"


class PeerServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # the standard 5 makes the system drop connections of ten threads at once


class Peer:
    """A server that answers as it is told: ``answer(method, path)`` gives (status, headers, body)."""

    token = (200, {}, b'{"access_token":"TOKEN-SECRET","token_type":"Bearer","expires_in":32400}')

    def __init__(self):
        self.requests = []
        self.connections = 0
        self.released = threading.Event()
        self.answer = lambda method, path: (200, {}, b"{}")

    def respond(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        self.requests.append((handler.command, handler.path, dict(handler.headers), body))
        reply = self.answer(handler.command, handler.path)
        if reply is None:  # hang up without a word
            handler.close_connection = True
            return
        status, headers, content = reply
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def count(self, path):
        return sum(1 for _, seen, _, _ in self.requests if seen == path)


@contextmanager
def listening() -> Iterator[Peer]:
    """A peer behind a real port."""
    made = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            made.connections += 1

        def do_GET(self):
            made.respond(self)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = PeerServer(("127.0.0.1", 0), Handler)
    made.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def token_and(answer):
    """Answers the token endpoint well, and everything else with ``answer``."""
    return lambda method, path: Peer.token if path == TOKEN else answer


def refusal(issue, name="UNPROCESSABLE_ENTITY"):
    document = {"name": name, "message": "no", "debug_id": "d1", "details": [{"issue": issue}]}
    return json.dumps(document).encode()
