"""How long a refusal takes tells nothing: unknown, replaced and revoked keys are alike. Measured like dudect.

Samples of all kinds are taken in a random order, so that whatever else the machine does falls on all alike.
Such disturbances only ever add time, and much of it: what lies above a percentile of all samples together is
left out before Welch's t is computed, at several percentiles, for a leak may show at any. The clock is that
of the wall: the database works in another process. The thread's own processor time, which other programs
hardly touch, is judged as well. A |t| of 4.5 is dudect's limit; with ten thousand samples it is reached by a
difference of some hundredths of a standard deviation.
"""

import gc
import math
import random
import time
from collections.abc import Callable

import pytest
from django.db import connection

from checkout.models import Order
from consulting import key_format
from consulting.keys import lifecycle
from consulting.keys import services as keys
from consulting.models import OrderKey
from consulting.tests import scenes

LIMIT = 4.5
PERCENTILES = (1.0, 0.99, 0.95, 0.9, 0.75, 0.5)

Samples = dict[str, list[tuple[float, float]]]


def welch(one: list[float], other: list[float]) -> float:
    def moments(values: list[float]) -> tuple[float, float]:
        mean = math.fsum(values) / len(values)
        return mean, math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)

    (mean_one, variance_one), (mean_other, variance_other) = moments(one), moments(other)
    spread = math.sqrt(variance_one / len(one) + variance_other / len(other))
    return (mean_one - mean_other) / spread if spread else 0.0


def largest_t(one: list[float], other: list[float]) -> float:
    """The largest |t| over the croppings. The cut is the same for both."""
    together, values_of_t = sorted(one + other), []
    for percentile in PERCENTILES:
        cut = together[min(int(len(together) * percentile), len(together) - 1)]
        cropped = [[value for value in values if value <= cut] for values in (one, other)]
        if min(map(len, cropped)) > 100:
            values_of_t.append(abs(welch(*cropped)))
    return max(values_of_t)


def measure(actions: dict[str, Callable[[], object]], count: int) -> Samples:
    order = [name for name in actions for _ in range(count)]
    random.Random(7).shuffle(order)
    samples: Samples = {name: [] for name in actions}
    for name in [*actions] * 50:  # caches and plans
        actions[name]()
    gc.collect()
    gc.disable()
    try:
        for name in order:
            action = actions[name]
            wall, own = time.perf_counter_ns(), time.thread_time_ns()
            action()
            samples[name].append((time.perf_counter_ns() - wall, time.thread_time_ns() - own))
    finally:
        gc.enable()
    return samples


def verdict(samples: Samples, one: str, other: str) -> dict[str, float]:
    return {
        clock: largest_t([each[index] for each in samples[one]], [each[index] for each in samples[other]])
        for index, clock in enumerate(("wall", "cpu"))
    }


def refused(canonical: str, email: str = scenes.EMAIL) -> None:
    try:
        keys.unlock(canonical, email)
    except keys.NotOpened:
        return
    raise AssertionError("it was opened")


@pytest.fixture
def texts(db) -> dict[str, list[str]]:
    """Twenty keys of each kind among a thousand others, so that no single row is special."""
    texts: dict[str, list[str]] = {"superseded": [], "revoked": [], "active": []}
    for kind, several in texts.items():
        for _ in range(20):
            order = scenes.paid_order(subjects=1)
            several.append(key_format.parse(scenes.key_of(order)))
            if kind == "superseded":
                lifecycle.replace(order.keys.get())
            elif kind == "revoked":
                lifecycle.revoke(order.keys.get(), actor="boss")
    order = Order.objects.first()
    OrderKey.objects.bulk_create(
        OrderKey(
            order=order,
            lookup=key_format.lookup(key_format.make(), key_format.newest_pepper()),
            sealed=b"",
            last_group="AAAA",
            state="superseded",
            issued_at=order.placed_at,
        )
        for _ in range(1000)
    )
    texts["unknown"] = [key_format.make() for _ in range(20)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return texts


def actions_of(texts, *kinds):
    chance = random.Random(3)
    return {kind: (lambda kind=kind: refused(chance.choice(texts[kind]))) for kind in kinds}


@pytest.mark.prove
def test_unknown_replaced_and_revoked_keys_take_the_same_time(texts, record_property):
    samples = measure(actions_of(texts, "unknown", "superseded", "revoked"), 10_000)
    verdicts = {}
    for one, other in [("unknown", "superseded"), ("unknown", "revoked"), ("superseded", "revoked")]:
        verdicts[f"{one}/{other}"] = verdict(samples, one, other)
    medians = {kind: sorted(each[0] for each in values)[5000] / 1000 for kind, values in samples.items()}
    text = ", ".join(f"{pair} {each['wall']:.2f} (cpu {each['cpu']:.2f})" for pair, each in verdicts.items())
    record_property(
        "figure",
        f"refusal of an order key, 10000 samples each: Welch's largest |t| {text};"
        f" medians {', '.join(f'{kind} {value:.0f} us' for kind, value in medians.items())}",
    )
    assert max(max(each.values()) for each in verdicts.values()) < LIMIT, text


@pytest.mark.prove
def test_a_difference_would_be_noticed(texts, monkeypatch, record_property):
    """Planted: a replaced key's row is read, as it was before this was measured."""
    look_up = keys._find_key
    dead = {text: OrderKey.objects.filter(state="superseded").first().pk for text in texts["superseded"]}

    def leaky(typed):
        if typed in dead:
            OrderKey.objects.select_related("order").filter(pk=dead[typed]).first()
        return look_up(typed)

    monkeypatch.setattr(keys, "_find_key", leaky)
    samples = measure(actions_of(texts, "unknown", "superseded"), 1_000)
    t = verdict(samples, "unknown", "superseded")
    record_property("figure", f"refusal of an order key, one more query planted: |t| {t['wall']:.1f}")
    assert min(t.values()) > LIMIT


def test_the_measure_tells_alike_from_unlike():
    """The arithmetic, on made-up samples: one is one per cent slower."""
    chance = random.Random(1)
    even = [chance.lognormvariate(6, 0.2) for _ in range(10_000)]
    again = [chance.lognormvariate(6, 0.2) for _ in range(10_000)]
    slower = [chance.lognormvariate(6, 0.2) * 1.02 for _ in range(10_000)]
    assert largest_t(even, again) < LIMIT
    assert largest_t(even, slower) > LIMIT
