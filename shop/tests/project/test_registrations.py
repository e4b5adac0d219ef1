"""What registers itself by being imported, against written lists: a forgotten import is silent otherwise.

A name that is meant to come or go changes ``registrations.txt`` in the same commit.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib import admin
from django.core.checks.registry import registry
from django.dispatch import Signal
from django.urls import URLPattern, URLResolver, get_resolver

from cart import cart, recovery
from checkout import signals
from shop.background import outbox
from shop.celery import app
from shop.keyring import rotation
from shop.privacy import retention

LISTS = Path(__file__).parent / "registrations.txt"
OURS = ("shop.", "catalog.", "cart.", "checkout.", "payments.", "consulting.")


def url_names(patterns: list[URLPattern | URLResolver], namespaces: tuple[str, ...] = ()) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = (pattern.namespace,) if pattern.namespace else ()
            yield from url_names(pattern.url_patterns, namespaces + inner)
        elif pattern.name:
            yield ":".join((*namespaces, pattern.name))


def receivers() -> Iterator[str]:
    for module in (signals, cart, recovery):
        for name, signal in vars(module).items():
            if isinstance(signal, Signal):
                for receiver in signal._live_receivers(sender=None)[0]:
                    yield f"{name} {receiver.__module__.partition('.')[0]}.{receiver.__name__}"


def tasks() -> list[str]:
    app.loader.import_default_modules()
    return [name for name in app.tasks if name.startswith(OURS)]


def checks() -> list[str]:
    registered = registry.registered_checks | registry.deployment_checks
    return [check.__name__ for check in registered if check.__module__.startswith(OURS)]


REGISTERED = {
    "outbox topics": lambda: [
        f"{topic} {handler.__name__}" for topic, handlers in outbox._handlers.items() for handler in handlers
    ],
    "rotated besides columns": lambda: [f"{family} {place}" for family, place, _ in rotation._jobs],
    "retention classes": lambda: list(retention._kinds),
    "signal receivers": receivers,
    "system checks": checks,
    "tasks": tasks,
    "beat": lambda: [f"{name}: {entry['task']}" for name, entry in app.conf.beat_schedule.items()],
    "admin models": lambda: [model._meta.label for model in admin.site._registry],
    "URL names": lambda: set(url_names(get_resolver().url_patterns)),
}


def written() -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for line in LISTS.read_text().splitlines():
        if line.startswith("# "):
            sections[line[2:]] = []
        elif line:
            sections[next(reversed(sections))].append(line)
    return sections


@pytest.mark.parametrize("kind", REGISTERED)
def test_what_registers_itself_is_on_the_written_list(kind):
    assert sorted(REGISTERED[kind]()) == written()[kind]


def test_no_list_is_left_over():
    assert set(written()) == set(REGISTERED)
