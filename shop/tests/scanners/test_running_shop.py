"""wapiti and sqlmap attack a running shop on PostgreSQL, as anybody on the internet may."""

import json
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from shop.tests.harness.buyer import TEA, Buyer, forms_on

pytestmark = pytest.mark.prove

MODULES = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,ldap,methods,permanentxss,redirect,sql,"
    "ssrf,upload,xss,xxe"
)
# What wapiti reports of the demo, and why it is right.
EXPLAINED = {
    "Secure Flag cookie": "the demo has no TLS; shop/tests/project/test_headers.py judges production",
    "HTTP Methods": "what is allowed where; shop/tests/harness/access/table.py says it of every page",
}
FORMS_OWN = {"csrfmiddlewaretoken", "page_token"}


def test_wapiti_finds_nothing_that_is_not_explained(scanner, scanned, tmp_path, record_property):
    report = tmp_path / "report.json"
    done = scanner(
        "scanners", "wapiti", "-u", f"{scanned.url}/en/", "--scope", "folder", "-m", MODULES, "-d", "3",
        "--max-links-per-page", "40", "--max-files-per-dir", "15", "--max-scan-time", "300",
        "--max-attack-time", "40", "-f", "json", "-o", str(report), "--flush-session", "--no-bugreport",
        "--store-session", str(tmp_path / "session"), "--store-config", str(tmp_path / "config"),
    )  # fmt: skip
    assert report.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    found = json.loads(report.read_text())
    assert found["infos"]["crawled_pages_nbr"] > 50
    record_property("figure", f"wapiti: {found['infos']['crawled_pages_nbr']} pages")
    unexplained = {
        f"{kind}: {name}": [f"{each['method']} {each['path']}: {each['info']}" for each in each_of[:5]]
        for kind in ("vulnerabilities", "anomalies", "additionals")
        for name, each_of in found[kind].items()
        if each_of and name not in EXPLAINED
    }
    assert unexplained == {}


def public_forms(scanned):
    """(address, fields, cookies) of every form that a visitor meets on the way to a placed order."""
    buyer = Buyer(scanned, email="scanned@example.com").check_out()
    buyer.add_to_cart(TEA)  # so that cart and checkout have forms
    paths = [
        "/en/", f"/en/product/{TEA}/", "/en/cart/", "/en/checkout/", "/en/orders/", "/en/orders/find/",
        "/en/report/", "/en/report/lost-key/", "/en/admin/login/", f"/en/order/{buyer.token}/",
        f"/en/pay/{buyer.token}/",
    ]  # fmt: skip
    stranger, seen, found = Buyer(scanned, email="x@example.com"), set(), []
    for visitor in (buyer, stranger):  # whoever is not known meets a form for the e-mail address
        for path in paths:
            page = visitor.get(path)
            assert page.status_code == 200, path
            for form in forms_on(page):
                address = urljoin(page.url, form.action or path)
                fields = {**form.fields, **{name: values[0] for name, values in form.choices.items()}}
                names = tuple(sorted(set(fields) - FORMS_OWN))
                if names and (urlsplit(address).path, names) not in seen:
                    seen.add((urlsplit(address).path, names))
                    found.append((address, fields, visitor.session.cookies.get_dict()))
    return found


def request_of(address, fields, cookies):
    """As sqlmap reads it."""
    parts = urlsplit(address)
    head = [
        f"POST {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Referer: {parts.scheme}://{parts.netloc}/en/",
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in cookies.items())}",
        "Content-Type: application/x-www-form-urlencoded",
    ]
    filled = {name: value or "1" for name, value in fields.items()}
    return "\r\n".join([*head, "", urlencode(filled)])


def test_sqlmap_gets_through_no_parameter_of_the_public_pages(scanner, scanned, tmp_path, record_property):
    forms, tested, wrong = public_forms(scanned), 0, []
    assert len(forms) >= 8
    for address, fields, cookies in forms:
        names = sorted(set(fields) - FORMS_OWN)
        tested += len(names)
        request = tmp_path / "request.txt"
        request.write_text(request_of(address, fields, cookies))
        if told := injected(scanner, request, names, "PostgreSQL"):
            wrong.append(f"{address}: {told[-1500:]}")
    record_property("figure", f"sqlmap: {tested} parameters of {len(forms)} forms")
    assert wrong == []


def injected(scanner, request, names, database):
    """What sqlmap says unless it is that it gets through none of the parameters."""
    done = scanner(
        "scanners", "sqlmap", "-r", str(request), "-p", ",".join(names), "--batch", "--level", "1",
        "--risk", "1", "--technique", "BEU", "--dbms", database, "--tamper", "xforwardedfor",
        "--ignore-code", "*", "--flush-session", "--output-dir", str(request.parent / "out"),
        "--disable-coloring", "--drop-set-cookie",
    )  # fmt: skip
    told = done.stdout + done.stderr
    return "" if "all tested parameters do not appear to be injectable" in told else told


class Careless(BaseHTTPRequestHandler):
    """A page that makes SQL of what it is sent."""

    def do_POST(self):
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("CREATE TABLE tea (name TEXT)")
            database.executemany("INSERT INTO tea VALUES (?)", [("green",), ("black",)])
            try:
                rows = database.execute(f"SELECT name FROM tea WHERE name = '{sent['name'][0]}'").fetchall()
            except sqlite3.Error:
                rows = []
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"<p>{len(rows)} found: {rows}</p>".encode())

    def log_message(self, *_):
        pass


def test_sqlmap_gets_through_a_careless_page(scanner, tmp_path):
    """The scan itself: one that finds nothing anywhere would tell nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Careless) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        request = tmp_path / "request.txt"
        address = f"http://127.0.0.1:{server.server_port}/"
        request.write_text(request_of(address, {"name": "green"}, {}))
        told = injected(scanner, request, ["name"], "SQLite")
        server.shutdown()
        thread.join()
    assert "Parameter: name (POST)" in told
