"""Logs stay small whoever provokes them, and what lies in VAR_DIR is the shop's alone."""

import logging
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from shop.devstack import log_rotation
from shop.devstack.stack import Program, Stack
from shop.monitoring import log_bursts
from shop.monitoring.log_bursts import BurstFilter
from shop.monitoring.logging import logging_config
from shop.settings.environment import make_private

WRITER = "import sys\nfor n in range(20_000): print(f'{n:09}' + 'x' * 90, flush=True)"


def test_the_log_of_a_program_that_never_stops_writing_stays_small(tmp_path, monkeypatch):
    """Two megabytes through 100 kB; what is kept are its last lines, in order."""
    monkeypatch.setattr(log_rotation, "LARGEST", 100_000)
    path = tmp_path / "shop.log"
    with log_rotation.opened(path) as log:
        writer = subprocess.Popen([sys.executable, "-c", WRITER], stdout=log)
    largest = 0
    while writer.poll() is None:
        largest = max(largest, path.stat().st_size)
        log_rotation.keep_small(path)
    assert largest < 2_000_000
    with log_rotation.opened(path) as log:  # what was written while it is cut may be lost: this was not
        log.write(f"{20_000:09}{'x' * 90}\n".encode())
    log_rotation.keep_small(path)
    text = log_rotation.earlier(path).read_text() + path.read_text()
    kept = [int(line[:9]) for line in text.splitlines() if len(line) == 99]  # one at a cut may be a half
    assert kept == sorted(kept)
    assert kept[-1] == 20_000
    assert path.stat().st_size <= 100_000
    assert [one.stat().st_mode & 0o777 for one in (path, log_rotation.earlier(path))] == [0o600, 0o600]


def test_runstack_looks_after_the_logs_of_all_its_programs(settings, tmp_path, monkeypatch):
    settings.VAR_DIR = tmp_path
    monkeypatch.setattr(log_rotation, "LARGEST", 10)
    code = "import time; print('x' * 99, flush=True); time.sleep(99)"
    stack = Stack([Program("noisy", [sys.executable, "-c", code], lambda: True)])
    path, kept = tmp_path / "log" / "noisy.log", tmp_path / "log" / "noisy.log.1"

    def look(path, keep_small=log_rotation.keep_small):
        keep_small(path)
        stack.stop_requests = int(kept.exists())

    monkeypatch.setattr(log_rotation, "keep_small", look)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    stack.run(lambda: None)
    assert (path.read_text(), kept.read_text()) == ("", "x" * 99 + "\n")


def test_a_log_that_cannot_be_put_aside_is_cut_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(log_rotation, "LARGEST", 10)
    path = tmp_path / "shop.log"
    path.write_text("x" * 99)
    log_rotation.earlier(path).mkdir()
    log_rotation.keep_small(path)
    assert path.stat().st_size == 0


@pytest.mark.django_db
def test_of_one_kind_of_refusal_only_so_many_lines_are_written_a_minute(monkeypatch):
    """A thousand requests that are refused, and one line about something else."""
    monkeypatch.setattr(log_bursts, "PER_MINUTE", 5)
    minute, lines = [0.0], []
    handler = logging.Handler()
    handler.addFilter(BurstFilter(now=lambda: minute[0]))
    handler.emit = lambda record: lines.append(record.getMessage())
    logger, about_hosts = (logging.getLogger(f"django.{name}") for name in ("request", "security"))
    logger.addHandler(handler)
    about_hosts.addHandler(handler)
    try:
        for number in range(50):
            Client().get(f"/en/nothing-{number}/")
        for number in range(50):
            Client().get("/en/", headers={"host": f"a{number}.example"})
        logger.warning("something else")
        minute[0] = 60.0
        Client().get("/en/nothing/")
        for _ in range(20):
            logger.info("what is told for information")
    finally:
        logger.removeHandler(handler)
        about_hosts.removeHandler(handler)
    assert lines[:5] == [f"Not Found: /en/nothing-{number}/" for number in range(5)]
    assert len([line for line in lines if "HTTP_HOST" in line]) == 5, "which Django puts into the text itself"
    assert lines[10:12] == ["something else", "Not Found: /en/nothing/ (45 like this were left out)"]


def test_every_handler_counts_bursts():
    made = logging_config(level="INFO")
    assert made["filters"]["bursts"]["()"] == f"{BurstFilter.__module__}.{BurstFilter.__name__}"
    assert [name for name, each in made["handlers"].items() if "bursts" not in each["filters"]] == []


def test_a_folder_that_others_could_enter_is_closed_to_them(tmp_path):
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o1777)  # as /tmp is
    with pytest.raises(ImproperlyConfigured, match="must be a folder of the shop's user alone"):
        make_private(folder)
