"""A page with card fields as the shop's, the script, and a server behind it that notes what it gets."""

import html
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.conf import settings

from payments.gateways.unionpay import card_form

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
MESSAGES = {
    "number": "Enter 13 to 19 digits",
    "not-unionpay": "This is not a UnionPay credit card",
    "expiry": "Enter month and year",
    "expired": "This card has expired",
    "cvc": "Enter three digits",
    "luhn": "Please check the number",
    "failed": "Could not encrypt",
}
PAGE = """<!doctype html><html lang="en"><head><title>Pay</title>
<script type="module" src="/card.js"></script>
</head><body><h1>Pay</h1><div id="card-errors" class="error-summary" role="alert" tabindex="-1" hidden></div>
<form id="pay-form" method="post" action="/pay"><input type="hidden" name="revision" value="1">
<label><input type="radio" name="method" value="paypal"> PayPal</label>
<label><input type="radio" name="method" value="unionpay"> UnionPay</label>
<fieldset id="card-fields" hidden {data}><legend>Card</legend>
<label>Number <input id="card-number" autocomplete="cc-number" inputmode="numeric" maxlength="29"></label>
<p id="card-number-error" class="field-error" hidden></p>
<label>Expiry <input id="card-expiry" autocomplete="cc-exp" aria-describedby="expiry-help"></label>
<p id="expiry-help">MM/YY</p><p id="card-expiry-error" class="field-error" hidden></p>
<label>CVC <input id="card-cvc" autocomplete="cc-csc" maxlength="4"></label>
<p id="card-cvc-error" class="field-error" hidden></p>{code}</fieldset>
<input type="hidden" name="acc_no"><input type="hidden" name="encrypted_info">
<input type="hidden" name="encrypt_cert_id"><input type="hidden" name="last4">
<button id="own-page" type="button">Own page</button>
<button type="submit" data-busy="Processing…">Pay HK$12.34</button></form></body></html>"""


class Shop(ThreadingHTTPServer):
    """One page, one script, and a place to post to. ``replies``: what it says in JSON, by path, in turn."""

    daemon_threads = True

    def __init__(self, data):
        super().__init__(("127.0.0.1", 0), Answers)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.data = data
        self.code_fields = ""
        self.posted = []
        self.paths = []
        self.replies = {}
        self.patience = 0

    @property
    def page(self):
        data = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in self.data.items())
        return PAGE.format(data=data, code=self.code_fields)


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/card.js":
            return self.send((settings.BASE_DIR / "static/js/card.js").read_bytes(), "text/javascript")
        if self.path.startswith("/favicon"):
            return self.send(b"", "image/png")
        return self.send(self.server.page.encode(), "text/html; charset=utf-8")

    def do_POST(self):
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.paths.append(self.path)
        time.sleep(self.server.patience)
        if self.server.replies.get(self.path):
            status, reply = self.server.replies[self.path].pop(0)
            body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            return self.send(body, "application/json", status)
        return self.send(b"<!doctype html><title>Thanks</title><h1>Thanks</h1>", "text/html")

    def send(self, body, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def open_shop() -> Iterator[Shop]:
    """A shop whose card fields have the sandbox's key."""
    form = card_form()
    data = {"spki": form.spki, "encrypt-cert-id": form.encrypt_cert_id}
    server = Shop(data | {f"message-{name}": text for name, text in MESSAGES.items()})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def posted(card, **more):
    """The fields in which the page sends a card."""
    names = ("acc_no", "encrypted_info", "encrypt_cert_id", "last4")
    return {name: getattr(card, name) for name in names} | {"revision": 1, **more}
