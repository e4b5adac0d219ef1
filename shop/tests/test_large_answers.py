"""Answers that are large: few at once, and whoever would wait for long is told; a copy is made in pieces."""

import ast
import re
import secrets
import threading
import time
import tracemalloc
import zipfile
from io import BytesIO

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory
from PIL import Image

from checkout.intake import pictures, uploads
from checkout.intake.refused import Refused
from checkout.models import Intake, Upload
from checkout.privacy import export
from consulting.tests import scenes
from shop import clock
from shop.background import lines, peers, slow_threads
from shop.tests.harness.failures import APPS
from shop.web import large_answers
from shop.web.large_answers import Busy, Lane, few_at_once

MB = 1024 * 1024
MAKES_ONE = {"StreamingHttpResponse", "FileResponse", "download", "bundle", "pack"}
ARE_CALLED_BY_VIEWS = {"checkout/intake/uploads.py:download", "consulting/reports/attachments.py:download"}


@pytest.fixture(autouse=True)
def folder_of_its_own(settings, tmp_path):
    """What is written here would be files without an order to the tests of forgetting."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(large_answers, "PATIENCE", 0.0)


# --- who has a place ---


def called_in(function):
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {ast.unparse(call).rpartition(".")[2] for call in calls}


def test_whoever_sends_a_file_has_a_place_for_it():
    wrong = []
    for path in (path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.py")):
        if {"tests", "sandbox"} & set(path.parts):
            continue
        for function in (node for node in ast.walk(ast.parse(path.read_text()))):
            if not isinstance(function, ast.FunctionDef) or not called_in(function) & MAKES_ONE:
                continue
            decorators = {ast.unparse(each).partition("(")[0] for each in function.decorator_list}
            name = f"{path.relative_to(settings.BASE_DIR).as_posix()}:{function.name}"
            if "few_at_once" not in decorators and name not in ARE_CALLED_BY_VIEWS:
                wrong.append(name)
    assert wrong == []


# --- how many there are ---


def test_a_process_sends_so_many_at_once_and_fewer_of_one_network(impatient):
    lane = Lane(places=3, of_network=2)
    for network in ("a", "a", "b"):
        lane.enter(network)
    for network in ("a", "c"):
        with pytest.raises(Busy):
            lane.enter(network)
    lane.leave("b")
    with pytest.raises(Busy):
        lane.enter("a")
    lane.enter("c")


@pytest.mark.django_db
def test_whatever_waits_or_sends_leaves_a_thread_to_pages_and_files_leave_two_to_who_pays(monkeypatch):
    """Downloads, pictures and calls to gateways begin where there is a seat, and give it back."""
    monkeypatch.setattr(lines, "_limits_requests", True)
    picture, request = BytesIO(), RequestFactory().get("/")
    Image.new("RGB", (9, 9)).save(picture, "PNG")

    def begins(act):
        try:
            answer = act()
        except (Refused, lines.Busy):
            return False
        answer.close()
        return answer.status_code == 200

    def call():
        with lines.line(peers.PAYPAL):
            return HttpResponse()

    def download():
        return few_at_once(Lane(places=1, of_network=1))(closes)(request)

    def clean():
        pictures.clean_image(picture.getvalue(), "png")
        return HttpResponse()

    allowed = {}
    for taken in range(slow_threads.OF_PROCESS):
        monkeypatch.setattr(slow_threads, "_taken", taken)
        allowed[taken] = begins(call), begins(download), begins(clean)
        assert slow_threads._taken == taken, "seats are given back"
    assert allowed == {n: (n < 7, n < 5, n < 5) for n in range(8)}


def test_a_process_has_as_many_threads_as_are_divided():
    for place in ("docs/operations.md", "shop/devstack/stack.py"):
        [threads] = set(re.findall(r'--threads"?,? "?(\d+)', (settings.BASE_DIR / place).read_text()))
        assert int(threads) == slow_threads.OF_PROCESS, place


def test_one_waits_for_the_next_place_and_others_are_told_at_once(monkeypatch):
    lane, entered = Lane(places=1, of_network=1), threading.Event()

    def wait():
        lane.enter("b")
        entered.set()

    lane.enter("a")
    waiting = threading.Thread(target=wait)
    waiting.start()
    while not lane._waiting:
        time.sleep(0.001)
    monkeypatch.setattr(lane._changed, "wait_for", lambda *_, **__: pytest.fail("two wait"))
    with pytest.raises(Busy):
        lane.enter("c")
    assert not entered.is_set()
    lane.leave("a")
    waiting.join(10)
    assert entered.is_set()


@pytest.mark.parametrize("lane", [Lane(places=3, of_network=2), Lane(places=1, of_network=1)])
def test_who_has_all_places_of_a_network_does_not_wait_in_the_place_of_others(lane, monkeypatch):
    for _ in range(lane._of_network):
        lane.enter("a")
    monkeypatch.setattr(lane._changed, "wait_for", lambda *_, **__: pytest.fail("it waits"))
    with pytest.raises(Busy):
        lane.enter("a")


def closes(_request):
    return StreamingHttpResponse([b"x"])


def fails(_request):
    raise PermissionDenied


@pytest.mark.django_db
def test_a_place_is_given_back_once_whatever_becomes_of_the_answer(impatient):
    lane, request = Lane(places=1, of_network=1), RequestFactory().get("/")
    for _ in range(2):
        few_at_once(lane)(closes)(request).close()
        few_at_once(lane)(lambda _request: HttpResponse("x"))(request).close()
        few_at_once(lane)(closes)(request)  # nobody holds it any more
        with pytest.raises(PermissionDenied):
            few_at_once(lane)(fails)(request)
        kept = few_at_once(lane)(closes)(request)
        kept.close()
        kept.close()
        assert lane._sent.total() == 0


# --- a copy of everything ---


def order_with_files(count, size):
    order = scenes.paid_order(subjects=1)
    intake = Intake.objects.filter(line__order=order).first()
    for number in range(count):
        stored_as = secrets.token_urlsafe()
        uploads.write_sealed(stored_as, bytes([number]) * size)
        upload = Upload.objects.create(
            field="f", name=f"{number}.pdf", kind="pdf", size=size, stored_as=stored_as,
            uploaded_at=clock.now(),
        )  # fmt: skip
        upload.intakes.add(intake)
    return order


@pytest.mark.django_db
def test_a_copy_takes_the_memory_of_one_file_however_many_there_are(record_property):
    size, count = 2 * MB, 12
    order = order_with_files(count, size)
    tracemalloc.start()
    try:
        sent = sum(map(len, export.bundle(order)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent > count * size, "packed anew they would cost time and save nothing"
    assert peak < 5 * size
    record_property("figure", f"a copy of {count * size // MB} MB in files: {peak / MB:.1f} MB at the most")


@pytest.mark.django_db
def test_a_file_that_does_not_open_is_named_and_the_others_are_there():
    order = order_with_files(2, 10)
    lost, left = Upload.objects.order_by("pk")
    uploads.storage().discard([lost.stored_as])
    with zipfile.ZipFile(BytesIO(b"".join(export.bundle(order)))) as copy:
        assert copy.testzip() is None
        assert copy.read(f"files/{left.pk}-1.pdf") == b"\1" * 10
        assert f'"files_that_do_not_open": [\n    "files/{lost.pk}-0.pdf"' in copy.read("order.json").decode()
