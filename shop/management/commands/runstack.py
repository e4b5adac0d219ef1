"""Start everything: shop, worker, beat and, in the demo, the sandbox. Ctrl-C stops all of it."""

import fcntl
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.urls import reverse
from django.utils.translation import override

from shop.admin import staff_groups
from shop.devstack import stack
from shop.monitoring import health

LINES_OF_LOG = 12


class Command(BaseCommand):
    help = __doc__

    def handle(self, **options: Any) -> None:
        try:
            self.run()
        except KeyboardInterrupt:
            self.say("Stopped.")

    def run(self) -> None:
        look_for_obstacles()
        with (settings.VAR_DIR / "stack.lock").open("a") as lock:
            claim(lock.fileno())
            self.say("Preparing database, translations and static files …")
            call_command("prepare")
            if not settings.PRODUCTION:
                call_command("seed_demo")
            connections.close_all()
            programs = stack.programs()
            self.say(f"Starting {', '.join(program.name for program in programs)} …")
            try:
                stack.Stack(programs).run(when_open=self.welcome)
            except stack.ProgramEnded as problem:
                raise CommandError(explained(problem)) from None
            self.say("Stopped.")

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # the reader may be a pipe

    def welcome(self) -> None:
        self.say("\nThe shop is open. Ctrl-C closes it.\n")
        for name, address, login in doors():
            self.say(f"  {name:<14}{address:<46}{login}".rstrip())
        self.say("")


def look_for_obstacles() -> None:
    """Whatever would make the start fail is told in one line."""
    for variable, port in stack.ports().items():
        if problem := stack.port_problem(port):
            raise CommandError(
                f"Port {port} cannot be used ({problem.lower()}). Choose another with {variable}=…"
            )
    if problem := health.database_problem():
        raise CommandError(
            f"The database {_without_password(settings.DATABASE_URL)} cannot be used: {problem}"
        )
    if problem := health.broker_problem():
        broker = settings.REDIS_URL or settings.VAR_DIR / "queue"
        raise CommandError(f"The broker {_without_password(str(broker))} cannot be used: {problem}")


def claim(lock: int) -> None:
    """Two stacks would deliver each other's messages; the lock ends with this process."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError(f"Another stack already runs in {settings.VAR_DIR}.") from None


def doors() -> list[tuple[str, str, str]]:
    """(name, address, login) of everything a person can open."""
    if settings.PRODUCTION:
        return [("Shop", settings.SITE_URL + "/", ""), ("Logs", str(settings.VAR_DIR / "log"), "")]
    logins = staff_groups.demo_logins()
    return [
        ("Shop", settings.SITE_URL + "/", ""),
        *((name.capitalize(), _workplace(name), f"{name} / {password}") for name, password in logins.items()),
        ("Sandbox", settings.SANDBOX_URL + "/", "PayPal and UnionPay stand-ins"),
        ("Mailbox", settings.SANDBOX_URL + "/mailbox/", "every mail the shop sends"),
        ("Logs", _short(settings.VAR_DIR / "log"), ""),
    ]


def _workplace(login: str) -> str:
    with override("en"):
        return settings.SITE_URL + reverse("consulting:cases" if login == "consultant" else "admin:index")


def explained(problem: stack.ProgramEnded) -> str:
    """What happened, and the end of the program's log."""
    path = stack.log_file(problem.program.name)
    lines = path.read_text(errors="replace").splitlines()[-LINES_OF_LOG:]
    return "\n".join([f"{problem}; everything else was stopped. {_short(path)} ends with:", *lines])


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _without_password(address: str) -> str:
    """postgresql://user:secret@host/name -> postgresql://user@host/name"""
    head, _, tail = address.rpartition("@")
    if not head:
        return address
    scheme, _, credentials = head.partition("://")
    return f"{scheme}://{credentials.partition(':')[0]}@{tail}"
