"""What runs where cards are typed is known, needed and unchanged; what is not is told."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest
from django.conf import settings as shop_settings
from django.core.management import CommandError, call_command

from checkout.tests.scenes import make_cart, make_goods, place, placed_in
from payments.health import payment_page

POLICY = "default-src 'none'; script-src 'self'; form-action 'self'; frame-ancestors 'none'"


def script(path):
    return (shop_settings.BASE_DIR / "static" / path).read_bytes()


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_inventory_is_what_the_page_loads(client, language, settings, unionpay_keys):
    settings.UNIONPAY_CERT_DIR = unionpay_keys.parents[1] / "shop"
    order = place(make_cart((make_goods("TEA-1"), 1)))
    placed_in(client, order)
    page = client.get(f"/{language}/pay/{order.token}/")
    assert page.context["card_form"]
    sources = re.findall(r'<script type="module" src="/static/([^"]+)"></script>', page.content.decode())
    assert page.content.decode().count("<script") == len(sources)
    known = payment_page.inventory()
    assert set(sources) == set(known)
    for path, entry in known.items():
        assert payment_page.digest(script(path)) == entry["sha384"], f"{path} changed: read it, then renew"
        assert entry["reason"]
        assert not re.search(rb"\bimport\b", script(path)), "what it imports belongs into the inventory too"


@contextmanager
def served(page, policy=POLICY, scripts=None):
    files = {f"/{path}": script(path) for path in payment_page.inventory()} | (scripts or {})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = page.encode() if self.path == "/pay" else files.get(self.path)
            self.send_response(200 if body is not None else 404)
            if policy:
                self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/pay"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


GOOD = '<script type="module" src="/js/enhance.js"></script><script type="module" src="/js/card.js"></script>'


@pytest.mark.parametrize(
    ("page", "more", "told"),
    [
        (GOOD, {}, None),
        (GOOD, {"scripts": {"/js/card.js": script("js/card.js") + b" "}}, "changed script: /js/card.js"),
        (GOOD + '<script src="/js/more.js"></script>', {"scripts": {"/js/more.js": b"1"}}, "/js/more.js"),
        (GOOD + '<script src="//elsewhere.example/a.js"></script>', {}, "another host: elsewhere.example"),
        (GOOD + "<script>1</script>", {}, "1 inline"),
        (GOOD + '<img onerror="1">', {}, "1 inline"),
        (GOOD + '<iframe src="/js/card.js"></iframe>', {}, "1 inline"),
        (GOOD.partition("</script>")[0] + "</script>", {}, "a script is missing: js/card.js"),
        (GOOD, {"policy": ""}, "script-src allows *"),
        (GOOD, {"policy": POLICY.replace("script-src", "script-src 'unsafe-inline'")}, "'unsafe-inline'"),
        (GOOD, {"policy": POLICY.replace("form-action 'self'; ", "")}, "form-action is not set"),
    ],
)  # fmt: skip
def test_a_page_that_differs_is_told(page, more, told, capsys):
    with served(page, **more) as url:
        if told is None:
            out = StringIO()
            call_command("check_payment_page", url=url, stdout=out)
            assert "2 scripts, all known" in out.getvalue()
            return
        with pytest.raises(SystemExit) as ended:
            call_command("check_payment_page", url=url)
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


@pytest.mark.django_db
def test_nothing_to_look_at_is_said():
    with pytest.raises(CommandError, match="--url"):
        call_command("check_payment_page")
    with pytest.raises(CommandError, match="cannot be fetched"):
        call_command("check_payment_page", url="http://127.0.0.1:9/pay")
