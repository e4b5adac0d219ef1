"""A whole shop with servers of its own, each part of which can be taken away and given back."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis

from payments.tests.harness.rehearsal import arm, disarm
from shop.devstack import processes
from shop.tests.harness.proxy import Proxy
from shop.tests.harness.servers import PostgreSQL, Redis
from shop.tests.harness.stacks import stack as stacks
from shop.tests.harness.stacks.crash_stack import CrashStack
from shop.tests.harness.stacks.stack import wait_for
from shop.tests.harness.stacks.supervisor import held_file

PROGRAMS = {"web": "-m gunicorn", "worker": "shop --quiet worker", "beat": "shop --quiet beat"}
NAMES = {"web": "shop"}  # as the supervisor calls it
CALLS = {
    "paypal": ["token", "create", "show", "capture", "verify"],
    "unionpay": ["front", "purchase", "query"],
}
START_PATIENCE = 120.0  # seconds for a process to be there again, on a busy machine
FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I
      FOR EACH ROW EXECUTE FUNCTION no_room()', name);
  END LOOP;
END $$
"""


class FragileShop(CrashStack):
    """``without(row)`` takes away what the row of the matrix is about."""

    def __init__(self, stack: stacks.OwnStack, database: PostgreSQL, broker: Redis, smtp: Proxy) -> None:
        super().__init__(stack, Path(os.devnull))
        self.database, self.broker, self.smtp = database, broker, smtp
        self.asked_of_redis: list[str] = []
        self.faults: dict[str, Callable[[], AbstractContextManager[None]]] = {
            "postgresql": self._no_database,
            "redis-broker": self._no_broker,
            "redis-cache": self._emptied_redis,
            "redis-silent": lambda: self._held(self.broker),
            "smtp": self._no_smtp,
            "smtp-silent": lambda: self._held(self.smtp),
            "paypal": lambda: self._no_gateway("paypal", fault="reset"),
            "paypal-silent": lambda: self._no_gateway("paypal", fault="hang", seconds=60),
            "unionpay": lambda: self._no_gateway("unionpay", fault="reset"),
            "unionpay-silent": lambda: self._no_gateway("unionpay", fault="hang", seconds=60),
            "disk-shop": self._no_room_for_files,
            "disk-database": self._no_room_for_rows,
            "worker": lambda: self.held("worker"),
            "beat": lambda: self.held("beat"),
        }

    @contextmanager
    def without(self, row: str) -> Iterator[None]:
        with self.faults[row]():
            yield

    @contextmanager
    def _no_database(self) -> Iterator[None]:
        self.database.crash()
        try:
            yield
        finally:
            self.database.start()

    @contextmanager
    def _no_broker(self) -> Iterator[None]:
        self.broker.kill()
        try:
            yield
        finally:
            self.broker.start()

    @contextmanager
    def _emptied_redis(self) -> Iterator[None]:
        """Emptied all the time, and everything that is asked of it is noted."""
        is_over = threading.Event()

        def empty() -> None:
            with redis.Redis.from_url(self.stack.redis_url) as client:
                while not is_over.wait(0.05):
                    client.flushall()

        def note() -> None:
            with redis.Redis.from_url(self.stack.redis_url) as client, client.monitor() as monitor:
                while not is_over.is_set():  # the emptying itself is heard too
                    heard = monitor.next_command()
                    if heard["client_type"] != "lua":  # a script's own commands: whoever sent it is heard
                        self.asked_of_redis.append(str(heard["command"]))

        threads = [threading.Thread(target=act, daemon=True) for act in (note, empty)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            is_over.set()
            threads[1].join()

    @contextmanager
    def _no_smtp(self) -> Iterator[None]:
        self.smtp.close()
        try:
            yield
        finally:
            self.smtp.open()

    @contextmanager
    def _held(self, server: Redis | Proxy) -> Iterator[None]:
        """Accepts, and says nothing: what a firewall does, and a machine that stands still."""
        server.hold()
        try:
            yield
        finally:
            server.release()

    @contextmanager
    def _no_gateway(self, gateway: str, **fault: Any) -> Iterator[None]:
        for call in CALLS[gateway]:
            arm(self.stack.sandbox_url, gateway=gateway, on=call, times=0, **fault)
        try:
            yield
        finally:
            disarm(self.stack.sandbox_url)

    @contextmanager
    def _no_room_for_files(self) -> Iterator[None]:
        """The kernel refuses each byte that a process of the shop writes to any file, also to its log."""
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._limit_files(0, usual[1])
        try:
            yield
        finally:
            self._limit_files(*usual)

    def _limit_files(self, soft: int, hard: int) -> None:
        for name in PROGRAMS:
            for pid in members_of(self.leader(name)):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))

    @contextmanager
    def _no_room_for_rows(self) -> Iterator[None]:
        """What the shop hears from PostgreSQL where no table can grow; reading goes on."""
        self._run(FULL)
        try:
            yield
        finally:
            self._run("DROP FUNCTION no_room CASCADE")

    def _run(self, statement: str) -> None:
        with closing(psycopg2.connect(self.stack.database_url)) as connection, connection:
            connection.cursor().execute(statement)

    # --- processes ---

    def leader(self, name: str) -> int:
        """The program that the supervisor started; its id is that of its group."""
        words = ["pgrep", "--parent", str(self.stack.process.pid), "--full", "--", PROGRAMS[name]]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[0])

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """Killed at once, with all their children, and not there until the block ends."""
        files = [held_file(self.stack.var, NAMES.get(name, name)) for name in names]
        for file in files:
            file.touch()
        for leader in [self.leader(name) for name in names]:
            os.killpg(leader, signal.SIGKILL)
        try:
            yield
        finally:
            for name, file in zip(names, files, strict=True):
                (self.stack.var / "run" / f"{name}.ready").unlink(missing_ok=True)
                file.unlink()
            wait_for(self._is_up, "what was away to be started again", START_PATIENCE)

    @contextmanager
    def dead(self) -> Iterator[None]:
        """The whole machine, all at once. It comes back in the worst order: the database last."""
        with self.held(*PROGRAMS):
            self.broker.kill()
            self.database.crash()
            yield
            self.broker.start()
        self.database.start()

    @contextmanager
    def second_beat(self) -> Iterator[None]:
        """As after a deployment that forgot the first."""
        schedule = str(self.stack.var / "second-beat.json")
        arguments = [sys.executable, "-m", "celery", "-A", "shop", "--quiet", "beat", "--pidfile", ""]
        ready = self.stack.var / "run" / "second-beat.ready"
        with (self.stack.var / "log" / "second-beat.log").open("wb") as log:
            beat = processes.start(
                [*arguments, "--schedule", schedule],
                cwd=stacks.BASE,
                env={**self.stack.environment, "READY_FILE": str(ready)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_for(ready.exists, "the second beat", START_PATIENCE)
            yield
            assert beat.poll() is None, "the second beat has ended"
        finally:
            processes.stop([beat], patience=5)


def members_of(group: int) -> list[int]:
    listed = subprocess.run(["pgrep", "--pgroup", str(group)], capture_output=True, text=True, check=True)
    return [int(pid) for pid in listed.stdout.split()]


@contextmanager
def running(folder: Path) -> Iterator[FragileShop]:
    database, broker = PostgreSQL(), Redis(folder)
    try:
        with closing(psycopg2.connect(f"{database.address}/postgres")) as connection:
            connection.autocommit = True
            connection.cursor().execute("CREATE DATABASE shop ENCODING 'UTF8' TEMPLATE template0")
        with Proxy(to=0) as smtp:
            options = {
                "database_url": f"{database.address}/shop",
                "redis_url": f"{broker.address}/1",
                "DJANGO_SETTINGS_MODULE": "shop.tests.harness.resilience_matrix.settings",
                "SHOP_TEST_SMTP_PORT": str(smtp.port),
            }
            program = ("-m", "shop.tests.harness.stacks.supervisor")
            with stacks.running(folder, program=program, **options) as stack:
                smtp.target = ("127.0.0.1", int(stack.environment["SANDBOX_SMTP_PORT"]))
                yield FragileShop(stack, database, broker, smtp)
            stacks.assert_never_gave_up(stack)
    finally:
        broker.stop()
        database.remove()
