"""Beat's schedule, which needs no disk: when a task last ran stands in memory, and in a file if it can.

Celery's own keeps it in a ``shelve``, which ends beat when the disk is full. Here a file that cannot be
written is written at the next occasion; one that cannot be read only means that nothing is known of before
the start. Either way nothing is lost: what is to be done stands in the database.

A clock that is put back, before the start or while beat runs, keeps no task waiting longer than usual.
"""

import datetime as dt
import json
import logging
from pathlib import Path
from typing import Any

from celery import beat

logger = logging.getLogger(__name__)


class Scheduler(beat.Scheduler):  # type: ignore[misc]  # has no types
    def __init__(self, *arguments: Any, schedule_filename: str, **options: Any) -> None:
        self.file = Path(schedule_filename)
        super().__init__(*arguments, **options)

    def setup_schedule(self) -> None:
        super().setup_schedule()
        for name, ran_at in self._last_runs().items():
            if entry := self.schedule.get(name):
                # Never in the future: a clock that was put right must not keep a task waiting.
                entry.last_run_at = min(ran_at, entry.default_now())

    def tick(self, *arguments: Any, **options: Any) -> float:
        late = [entry for entry in self.schedule.values() if entry.last_run_at > entry.default_now()]
        for entry in late:
            entry.last_run_at = entry.default_now()
        if late:
            logger.warning("The clock was put back; beat counts anew")
            self._heap = None  # it is ordered by the hours of before
        return float(super().tick(*arguments, **options))

    def _last_runs(self) -> dict[str, dt.datetime]:
        try:
            kept = json.loads(self.file.read_text())
            runs = {name: dt.datetime.fromisoformat(text) for name, text in kept.items()}
            # A time without its zone, typed by hand, cannot be compared with those that have one.
            return {name: ran_at for name, ran_at in runs.items() if ran_at.tzinfo}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as problem:
            logger.warning("What beat did before cannot be read (%s)", type(problem).__name__)
            return {}

    def sync(self) -> None:
        kept = {name: entry.last_run_at.isoformat() for name, entry in self.schedule.items()}
        fresh = self.file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(kept, indent=1))
            fresh.replace(self.file)
        except OSError as problem:
            logger.warning("What beat has done cannot be written (%s); it goes on", type(problem).__name__)
