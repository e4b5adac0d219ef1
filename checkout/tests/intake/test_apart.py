"""No library of a web process is given a stranger's file: a program opens it, in bounds, one at a time."""

import ast
import resource
import signal
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pikepdf
import pytest
from PIL import Image

from checkout.intake import apart, pdf_passwords, uploads
from checkout.intake.apart import opened_apart
from checkout.intake.program_limits import Status
from checkout.intake.programs import pdf_password
from checkout.intake.refused import Refused
from checkout.tests import files
from shop.background import slow_threads
from shop.tests.harness.failures import APPS

BASE = Path(__file__).parents[3]
PROGRAMS = "checkout/intake/programs/"
# Whatever reads files of others in C, or unpacks them. ``zipfile`` also packs.
READERS = {"PIL", "pikepdf", "lxml", "zlib", "gzip", "bz2", "lzma", "tarfile", "xml", "zipfile"}
PACKS = "shop/privacy/streamed_zip.py"
LOOKS_AT_THE_END = "consulting/reports/file_validation.py"  # whether a zip hides behind a PDF, in Python
DJANGOS = {"ImageField", "ImageFile", "get_image_dimensions"}  # which ask Pillow
LOCKED = next(Path(__file__).with_name("pdfs").glob("locked-*.pdf"))


# --- only there ---


def modules_in(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def test_only_the_programs_may_import_what_reads_files_and_nobody_imports_them():
    wrong, programs = [], 0
    for path in (path for app in APPS for path in (BASE / app).rglob("*.py")):
        place = path.relative_to(BASE).as_posix()
        if place.startswith(PROGRAMS):
            programs += 1
            continue
        if "tests" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        for module in modules_in(tree):
            is_program = "programs" in module.split(".")
            if is_program or (
                module.split(".")[0] in READERS
                and (place, module) not in {(PACKS, "zipfile"), (LOOKS_AT_THE_END, "zipfile")}
            ):
                wrong.append(f"{place}: {module}")
        names = {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}
        wrong += [f"{place}: {name}" for name in names & DJANGOS]
        if place == LOOKS_AT_THE_END:
            assert "ZipFile" not in names
    assert programs > 4
    assert wrong == []


def test_no_way_of_a_file_leads_to_a_library_in_this_process(monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    monkeypatch.setattr(pikepdf, "open", None)
    for kind in ("png", "jpeg"):
        assert uploads.examine(files.sent(files.picture(kind.upper())), {})[0] == kind
    with pytest.raises(Refused) as refusal:
        uploads.examine(files.sent(LOCKED.read_bytes()), {})
    assert "asks for a password" in refusal.value.message


# --- in bounds ---


@pytest.fixture
def stand_ins(monkeypatch):
    monkeypatch.setattr(apart, "PROGRAMS", "checkout.tests.intake")


LOGGED = {
    "loop": [("WARNING", f"stand_ins was ended by a file: {-signal.SIGKILL}")],
    "sleep": [("WARNING", "stand_ins took too long for a file")],
    "allocate": [],
    "crash": [("WARNING", f"stand_ins was ended by a file: {-signal.SIGSEGV}")],
    "broken": [("ERROR", "stand_ins was ended by a file: 1")],
}


@pytest.mark.parametrize("does", LOGGED)
def test_what_exhausts_or_crashes_the_program_is_refused_in_words(stand_ins, monkeypatch, caplog, does):
    if does == "sleep":
        monkeypatch.setattr(apart, "MAX_SECONDS", 1)
    with pytest.raises(Refused) as refusal:
        opened_apart("stand_ins", does.encode(), does)
    assert "too laborious to open" in refusal.value.message
    logged = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert logged == LOGGED[does]
    assert slow_threads._taken == 0


def test_what_a_library_raises_is_a_damaged_file_and_no_secret_is_there_to_be_found(stand_ins):
    assert opened_apart("stand_ins", b"raise") == (Status.DAMAGED, b"")
    status, names = opened_apart("stand_ins", b"tell")
    assert status == Status.DONE
    assert set(names.decode().split()) <= {"LC_CTYPE", "PWD", "SHLVL", "_"}  # made by Python or a shell


def test_where_no_program_can_be_started_the_field_says_so(monkeypatch):
    def run(*_arguments, **_options):
        raise BlockingIOError

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(Refused) as refusal:
        uploads.examine(files.sent(files.picture()), {})
    assert "again in a minute" in refusal.value.message


def test_a_pdf_that_takes_too_much_is_refused_and_one_that_is_damaged_is_not(monkeypatch):
    monkeypatch.setattr(pdf_passwords, "opened_apart", lambda *_: (Status.DONE, b""))
    content = LOCKED.read_bytes()
    assert uploads.examine(files.sent(content), {}) == ("pdf", content)
    for error, status in ((pikepdf.DataDecodingError, Status.DONE), (pikepdf.PasswordError, Status.LOCKED)):
        monkeypatch.setattr(pikepdf, "open", raising(error))
        assert pdf_password.judge(content, None) == status
    monkeypatch.setattr(pikepdf, "open", raising(MemoryError))
    with pytest.raises(MemoryError):  # which ``serve`` says
        pdf_password.judge(content, None)


def raising(error):
    def act(*_arguments, **_options):
        raise error

    return act


@pytest.mark.prove
def test_a_small_picture_is_opened_in_less_than_a_second():
    """Of the processor: by the clock, a machine on which much runs says nothing."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    opened_apart("picture_cleaner", files.picture(), "jpeg")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


# --- one at a time ---


@pytest.mark.parametrize(
    ("limits", "waits"), [({"MAX_WAIT": 0}, True), ({"_threads": threading.BoundedSemaphore(1)}, False)]
)
def test_one_file_is_opened_at_a_time_and_who_waits_too_long_is_told(monkeypatch, limits, waits):
    """Or among too many, at once: they would leave no thread for those who only look at pages."""
    inside, go_on = threading.Event(), threading.Event()
    turn, asked = apart._one_at_a_time, []
    monkeypatch.setattr(apart, "MAX_WAIT", 0.1)
    monkeypatch.setattr(
        apart,
        "_one_at_a_time",
        SimpleNamespace(
            acquire=lambda timeout: asked.append(timeout) or turn.acquire(timeout=timeout),
            release=turn.release,
        ),
    )

    def run(arguments, **options):
        inside.set()
        go_on.wait(30)
        return SimpleNamespace(returncode=0, stdout=b"")

    for name, value in limits.items():
        monkeypatch.setattr(apart, name, value)
    monkeypatch.setattr(subprocess, "run", run)
    first = threading.Thread(target=uploads.examine, args=(files.sent(files.picture()), {}))
    first.start()
    try:
        assert inside.wait(30)
        for content in (files.picture(), LOCKED.read_bytes()):
            asked.clear()
            with pytest.raises(Refused) as refusal:
                uploads.examine(files.sent(content), {})
            assert len(asked) == waits
            assert "Please send this one again in a minute." in refusal.value.message
    finally:
        go_on.set()
        first.join()
    uploads.examine(files.sent(files.picture()), {})  # the next one finds the way free
