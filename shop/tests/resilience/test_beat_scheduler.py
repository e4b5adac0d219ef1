"""Beat's schedule with a full disk, a damaged file and after an hour of absence."""

import datetime as dt
import json
import resource
from pathlib import Path

import pytest

from shop.background.beat_scheduler import Scheduler
from shop.celery import app

ROUND, DAILY = "sweep payments: paypal", "watch certificates"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "beat-runs.json"


def opened(file: Path) -> Scheduler:
    return Scheduler(app, schedule_filename=str(file))


def ran(file: Path, ago: dt.timedelta) -> None:
    now = dt.datetime.now(dt.UTC)
    file.write_text(json.dumps(dict.fromkeys([ROUND, DAILY], (now - ago).isoformat())))


@pytest.mark.failure("F15")
def test_after_a_day_of_absence_each_task_is_due_once(file):
    ran(file, dt.timedelta(days=1, hours=1))
    schedule = opened(file)
    for name in (ROUND, DAILY):
        assert schedule.schedule[name].is_due().is_due
        assert not schedule.reserve(schedule.schedule[name]).is_due().is_due
    schedule.sync()
    assert not opened(file).schedule[DAILY].is_due().is_due, "and not again after the next start"


@pytest.mark.failure("F15", "F19")
def test_a_clock_that_was_put_back_keeps_no_task_waiting(file):
    ran(file, -dt.timedelta(hours=2))
    entry = opened(file).schedule[ROUND]
    assert entry.is_due().next <= entry.schedule.run_every.total_seconds()


@pytest.mark.failure("F18")
def test_a_full_disk_does_not_end_beat(file, caplog):
    schedule = opened(file)
    schedule.sync()
    before = file.read_text()
    schedule.reserve(schedule.schedule[ROUND])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        schedule.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "cannot be written (OSError)" in caplog.text
    assert file.read_text() == before, "the old one is whole"
    schedule.sync()
    assert file.read_text() != before


DAMAGED = [
    b"", b"{", b"[]", b"7", b'{"sweep payments: paypal": 1}', b"\xff\x00", b"\0" * 512,
    b'{"sweep payments: paypal": "2026-11-29T08:00:00"}',  # by hand: of which zone?
]  # fmt: skip


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_file_means_that_nothing_is_known(file, content):
    file.write_bytes(content)
    schedule = opened(file)
    assert not schedule.schedule[ROUND].is_due().is_due
    schedule.sync()
    assert set(json.loads(file.read_text())) == set(app.conf.beat_schedule)
