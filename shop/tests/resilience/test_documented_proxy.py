"""The proxy of docs/operations.md lets through what the shop takes, and waits for the slow in its place."""

import dataclasses
import io
import re
import socket
import ssl
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

import pikepdf
import pytest
import requests
from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from catalog.question_options import MAX_MB as ANSWER_MB
from consulting.reports import attachments
from consulting.reports.file_validation import MAX_MB as REPORT_MB
from payments.gateways.paypal.client import Patience
from payments.webhooks.inbox import MAX_BYTES as NOTICE_BYTES
from shop.devstack import processes
from shop.tests.harness import documented_proxy, environment, observatory, prepared
from shop.tests.harness.buyer import Buyer, forms_on
from shop.tests.harness.documented_proxy import in_bytes, in_seconds, location_for, locations, value
from shop.tests.harness.failures import APPS
from shop.tests.harness.stacks import stack as stacks
from shop.tests.harness.stacks.stack import wait_for
from shop.web import upload_handler

BASE = Path(__file__).resolve().parents[3]
MB = 1024 * 1024
ORDER = "A1b2C3d4E5f6G7h8I9j0K1"
# Whoever reads files from a request, and where that is served.
TAKES_FILES = {
    "checkout/placement/views.py": [("checkout:begin",)],
    "checkout/intake/views.py": [("checkout:details", ORDER), ("consulting:details",)],
    "consulting/workspace/report_views.py": [("consulting:case", 7)],
}
# Whoever sends files, and where that is served.
GIVES_FILES = {
    "checkout/intake/views.py": [("checkout:file", ORDER, 7)],
    "checkout/privacy/views.py": [("checkout:privacy_link", "A1b2C3d4:E5f6-G7h8_I9:j0K1")],
    "consulting/client/report_views.py": [("consulting:file_of_report", 7, 1, 2), ("consulting:download",)],
    "consulting/workspace/report_views.py": [("consulting:report_file", 7, 1, 2)],
    "consulting/workspace/views.py": [("consulting:file", 7, 3)],
}
# These look at what any page was sent, or say that files have to be chosen again.
KNOWS_OF_FILES = {
    "shop/web/once.py",
    "shop/web/unsent.py",
    "checkout/intake/uploads.py",
    "shop/admin/sign_in/pages.py",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000"}  # this and Secure cookies: project/test_headers.py
HOLDS_UP = 16  # gunicorn's threads: two processes of eight


def addresses(name, *arguments):
    for language, _name in settings.LANGUAGES:
        with override(language):
            yield reverse(name, args=arguments)


NO_FILE = [
    "order/x/file/",
    "report/x/file/1/",
    "consultant/file/1/",
    "order/a/b/file/1/",
    "orders/privacy/x/y/",
]


def limit_at(path):
    return in_bytes(value("client_max_body_size", locations()[location_for(path)]))


# --- what the document says ---


def test_every_view_that_takes_files_is_known():
    readers = {
        path.relative_to(BASE).as_posix()
        for app in APPS
        for path in (BASE / app).rglob("*.py")
        if "tests" not in path.parts and re.search(r"\.FILES\b", path.read_text())
    }
    assert readers == set(TAKES_FILES) | KNOWS_OF_FILES


def test_pages_that_take_files_let_through_what_the_shop_takes():
    most = upload_handler.MAX_REQUEST_BYTES + settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    pages = [page for pages in TAKES_FILES.values() for page in pages]
    assert [path for page in pages for path in addresses(*page) if limit_at(path) != most + MB] == []
    assert max(ANSWER_MB, REPORT_MB) * MB < upload_handler.MAX_REQUEST_BYTES


def test_all_other_pages_take_forms_alone():
    others = [("cart:detail",), ("checkout:orders",), ("admin:index",), ("consulting:publish", 7)]
    paths = [path for page in others for path in addresses(*page)]
    for path in [*paths, "/", "/healthz"]:
        assert limit_at(path) == settings.DATA_UPLOAD_MAX_MEMORY_SIZE, path
    assert limit_at(reverse("gateways:notify", args=["paypal"])) == NOTICE_BYTES


def test_what_is_slow_waits_in_the_proxy():
    for heading, body in locations().items():
        if not heading.startswith("@"):
            assert value("proxy_request_buffering", body) == "on", heading
            assert in_seconds(value("proxy_read_timeout", body)) >= 2 * Patience().total, heading
            assert value("limit_conn", body), heading
            assert value("proxy_buffering", body) == "on", heading
            assert value("proxy_http_version", body) == "1.1", "1.0 hides that an answer broke off"
            assert in_bytes(value("proxy_max_temp_file_size", body)) >= attachments.MAX_TOTAL_MB * MB, heading
            assert value("proxy_temp_path", body).startswith("/run/"), "answers hold personal data"
    for time in ("client_header_timeout", "client_body_timeout"):
        assert 5 <= in_seconds(value(time, "")) <= 20


def test_few_large_answers_are_kept_for_one_reader_and_for_all():
    files = (path for app in APPS for path in (BASE / app).rglob("*.py") if "tests" not in path.parts)
    views = {
        path.relative_to(BASE).as_posix(): len(found)
        for path in files
        if (found := re.findall(r"^@few_at_once\(", path.read_text(), re.MULTILINE))
    }
    assert views == {module: len(pages) for module, pages in GIVES_FILES.items()}
    for page in (page for pages in GIVES_FILES.values() for page in pages):
        for path in addresses(*page):
            body = locations()[location_for(path)]
            if page[0] == "checkout:privacy_link":
                assert re.findall(r"limit_conn (\w+)", body) == ["shop_address"], (
                    "others' reading stops no erasure"
                )
                continue
            assert re.search(r"limit_conn shop_reader \d;", body), path
            assert re.search(r"limit_conn shop_readers \d+;", body), path


def test_only_what_sends_files_counts_as_reading_one():
    for path in NO_FILE:
        assert "shop_reader" not in locations()[location_for(f"/en/{path}")], path


@pytest.mark.parametrize("path", ["/pay/notify/paypal/", "/en/admin/login/", "/zh-hant/admin/"])
def test_notices_and_the_admin_have_limits_of_their_own(path):
    body = locations()[location_for(path)]
    zone = re.match(r"zone=(\w+) burst=\d+ nodelay", value("limit_req", body))[1]
    assert f"zone={zone}:" in documented_proxy.text()
    assert value("limit_req_status", body) == value("limit_conn_status", body) == "429"


def test_a_gateway_that_writes_in_clear_is_not_led_on():
    plain = documented_proxy.without_comments().split("\nserver {")[1]
    assert plain.index("if ($uri ~ ^/pay/notify/) { return 403; }") < plain.index("return 301")


def test_the_proxy_says_who_asks_and_adds_nothing_to_the_answer():
    block = documented_proxy.without_comments()
    assert "add_header" not in block, "two of a kind are none"
    assert block.count("proxy_set_header") == documented_proxy.server().count("proxy_set_header") == 4, (
        "one in a location would switch off those of the server"
    )
    assert "$http_x_forwarded" not in block
    assert "$proxy_add_x_forwarded_for" not in block
    log = re.search(r"log_format shop (.*?);", block)[1]
    assert not re.search(r"\$(request|request_uri|uri|args|http_referer)\b", log), (
        "order addresses open pages"
    )
    assert "shop-error.log alert;" in block, "crit quotes the request where the disk is full"
    assert {value("ssl_protocols", ""), value("ssl_session_tickets", "")} == {"TLSv1.2 TLSv1.3", "off"}


# --- what it does ---


def pdf_of(size):
    """A plan of about so many bytes."""
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(200, 200))
        page.Contents = document.make_stream(b"% " + b"x" * size + b"\n")
        held = io.BytesIO()
        document.save(held, compress_streams=False)
    return held.getvalue()


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    """A shop behind the documented proxy; its ``url`` is the proxy's."""
    folder = tmp_path_factory.mktemp("proxied")
    [port] = environment.free_ports(1)
    address = f"https://127.0.0.1:{port}"
    proxied = {"SITE_URL": address, "BEHIND_TLS_PROXY": "on", "TRUSTED_PROXIES": "127.0.0.1"}
    with ExitStack() as opened:
        stack = opened.enter_context(stacks.running(folder, var=prepared.folder_of_embedded(), **proxied))
        to = int(stack.environment["PORT"])
        proxy = opened.enter_context(documented_proxy.running(folder / "nginx", port=port, to=to))
        yield dataclasses.replace(stack, url=address), proxy


def visitor_of(stack, proxy, email="mei@example.com"):
    buyer = Buyer(stack, email=email)
    buyer.session.verify = str(proxy.authority)
    return buyer


def healthy(proxy, times=4):
    """Seconds each answer took."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(proxy.authority)
        answers = [session.get(f"{proxy.url}/healthz", timeout=20) for _ in range(times)]
    assert {answer.text for answer in answers} == {"ok\n"}
    return [round(answer.elapsed.total_seconds(), 2) for answer in answers]


def connect(port, encrypted, room=0, source="127.0.0.1"):
    plain = socket.socket()
    plain.bind((source, 0))
    if room:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    plain.settimeout(10)
    plain.connect(("127.0.0.1", port))
    if not encrypted:
        return plain
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    return trusting.wrap_socket(plain)


BEGUN = {
    "silent": b"",
    "slow headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "slow bodies": b"POST /pay/notify/paypal/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999\r\n\r\n{",
}


@pytest.mark.prove
@pytest.mark.parametrize("kind", BEGUN)
def test_connections_that_do_not_get_on_hold_nobody_up(front, kind, record_property):
    _stack, proxy = front
    with ExitStack() as held:
        for _ in range(200 if kind == "silent" else 3 * HOLDS_UP):
            connection = held.enter_context(connect(proxy.port, encrypted=kind != "silent"))
            connection.sendall(BEGUN[kind])
        took = healthy(proxy)
    record_property("figure", f"proxy, {kind}: /healthz {took} s")


LARGE = 12 * MB  # more than the sockets between hold
SENDS_MUCH = f"""
def application(environ, start_response):
    pieces = {LARGE // 4096} if environ["PATH_INFO"] == "/large" else 0
    body = (b"x" * 4096 for _ in range(pieces)) if pieces else [b"ok\\n"]
    start_response("200 OK", [("Content-Length", str(pieces * 4096 or 3))])
    return body
"""


@contextmanager
def sends_much(folder):
    """As many threads as the shop has behind the proxy, none of which has anything to wait for."""
    folder.mkdir()
    (folder / "sends_much.py").write_text(SENDS_MUCH)
    port, to = environment.free_ports(2)
    gunicorn = [sys.executable, "-m", "gunicorn", "sends_much:application", "--chdir", str(folder)]
    gunicorn += ["--bind", f"127.0.0.1:{to}", "--workers", "2", "--worker-class", "gthread", "--threads", "8"]
    gunicorn += ["--no-control-socket", "--log-level", "error"]
    process = processes.start(gunicorn)
    try:
        with documented_proxy.running(folder / "nginx", port=port, to=to) as proxy:
            wait_for(lambda: documented_proxy.listens(to), "gunicorn to listen")
            yield proxy
    finally:
        processes.stop([process], patience=5.0)


def read_slowly(connection, is_over):
    """About 80 KB/s."""
    while not is_over.wait(0.05) and connection.recv(4096):
        pass


@pytest.mark.prove
def test_who_read_slowly_hold_nobody_up(tmp_path, record_property):
    is_over = threading.Event()
    with sends_much(tmp_path / "much") as proxy, ThreadPoolExecutor(HOLDS_UP) as pool, ExitStack() as held:
        healthy(proxy)
        for _ in range(HOLDS_UP):
            connection = held.enter_context(connect(proxy.port, encrypted=True, room=64 * 1024))
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200"), "it begins"
            pool.submit(read_slowly, connection, is_over)
        held.callback(is_over.set)
        took = healthy(proxy)
    record_property("figure", f"proxy, slow readers: /healthz {took} s")


@pytest.mark.prove
def test_files_of_buyers_and_consultants_pass_and_the_shop_tells_what_is_too_large(front):
    stack, proxy = front
    buyer = visitor_of(stack, proxy)
    buyer.add_to_cart("home-layout-report")
    form = buyer.checkout_form()
    [field] = [name for name in form if name.endswith("floor-plan")]
    del form[field]
    path = "/en/checkout/"
    refused = buyer.post(path, form, files={field: ("plan.pdf", pdf_of(11 * MB), "application/pdf")})
    assert refused.status_code == 200
    assert "larger than 10 MB" in refused.text
    passed = buyer.post(path, form, files={field: ("plan.pdf", pdf_of(9 * MB), "application/pdf")})
    assert "/pay/" in passed.url, re.findall(r'class="error[^>]*>[^<]*', passed.text)
    too_much = buyer.post(path, form, files={field: ("plan.pdf", b"x" * 70 * MB, "application/pdf")})
    assert too_much.status_code == 413
    assert "請返回上一頁" in too_much.text
    assert "Please go back" in too_much.text
    buyer.look_at(passed)
    buyer.token = re.search(r"/pay/([^/]+)/$", passed.url)[1]
    buyer.get(buyer.approve_at_paypal(buyer.press_pay().headers["Location"]))
    buyer.wait_until_paid()
    buyer.close()
    refuse_the_consultants_largest(stack, proxy, buyer.number)


def refuse_the_consultants_largest(stack, proxy, number):
    consultant = visitor_of(stack, proxy)
    consultant.get("/en/admin/login/")
    login = {"username": "consultant", "password": stack.logins["consultant"]}
    consultant.post("/en/admin/login/?next=/en/consultant/", login)
    listing = consultant.get(f"/en/consultant/?order={number}").text
    path = re.search(r"/en/consultant/case/\d+/", listing).group()
    consultant.post(f"{path}take/", {})
    form = next(form for form in forms_on(consultant.get(path)) if "seen" in form.fields)
    fields = {name: text for name, text in form.fields.items() if name not in {"attachments", "report_pdf"}}
    files = {"attachments": ("plan.pdf", pdf_of(30 * MB), "application/pdf")}
    answer = consultant.post(path, {**fields, "title": "T", "body": "B", "action": "save"}, files=files)
    assert answer.status_code == 200
    assert "larger than 25 MB" in answer.text
    consultant.close()


@pytest.mark.prove
def test_each_header_comes_once_and_scores_as_behind_no_proxy(front):
    stack, proxy = front
    buyer = visitor_of(stack, proxy).check_out()
    paths = ["/en/", "/en/help/", "/en/admin/login/", "/static/css/shop.css", f"/en/pay/{buyer.token}/"]
    for path in paths:
        answer = buyer.session.get(f"{proxy.url}{path}", timeout=20)
        headers = answer.raw.headers
        doubled = [name for name in set(headers) if name != "Set-Cookie" and len(headers.getlist(name)) > 1]
        assert doubled == [], path
        assert not re.search(r"\d", headers["Server"]), path
        score, why = observatory.score({**headers, **HSTS}, SimpleCookie(), answer.text)
        assert score >= 130, (path, why)
    buyer.close()


@pytest.mark.prove
def test_a_flood_of_notices_is_held_back(front):
    _stack, proxy = front
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(proxy.authority)
        notices = [
            session.post(f"{proxy.url}/pay/notify/paypal/", data=b"{}", timeout=20) for _ in range(150)
        ]
        assert {answer.status_code for answer in notices} == {400, 429}
        assert session.get(f"{proxy.url}/en/", timeout=20).status_code == 200


@pytest.mark.prove
def test_plain_http_leads_people_on_and_refuses_gateways(front):
    _stack, proxy = front
    plain = f"http://127.0.0.1:{proxy.plain}"
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{plain}/en/?q=1", timeout=20, allow_redirects=False)
        assert (page.status_code, page.headers["Location"]) == (301, "https://127.0.0.1/en/?q=1")
        notice = session.post(f"{plain}/pay/notify/paypal/", b"{}", timeout=20, allow_redirects=False)
        assert notice.status_code == 403
