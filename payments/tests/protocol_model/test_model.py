"""The protocol as a model (see ``paysim``): nothing breaks, and each mechanism is missed if it is missing."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from shop.tests.harness.effort import times

from .paysim import HOSTILE, MECHANISMS, PEACEFUL, Naive, OrderFirst, Shop, campaign, without

METHODS = ("paypal", "page", "card", "mixed")
STORM = replace(HOSTILE, kill=0.06, lost_before=0.15, lost_after=0.15)
UNTOLD = replace(HOSTILE, slow=0.9, hooks=(1, 0, 0), returns=0.1, decline=0.2)  # only the sweep can find out
LATE = replace(HOSTILE, slow=0.9)
SLEEPY = replace(HOSTILE, lifetime=5)  # processes live on after their claim

# Where a missing mechanism shows soonest.
DIRECTED = {
    "one order per cart": ("page", HOSTILE),
    "one live attempt per order": ("paypal", HOSTILE),
    "no second attempt while money may be on its way": ("mixed", HOSTILE),
    "card attempt capturing before the first byte": ("mixed", LATE),
    "claim before capture": ("paypal", HOSTILE),
    "idempotency key on create": ("paypal", STORM),
    "lease of a claim": ("page", HOSTILE),
    "unknown is a state": ("card", UNTOLD),
    "under review is a state": ("paypal", UNTOLD),
    "money is booked once": ("page", HOSTILE),
    "late money: no other order of the cart": ("page", UNTOLD),
    "late money: stock is held again": ("page", LATE),
    "surplus money goes back": ("mixed", HOSTILE),
    "sweep": ("card", UNTOLD),
    "sweep: also attempts that were given up": ("page", UNTOLD),
    "expiry asks first": ("page", HOSTILE),
    "capturing blocks expiry": ("card", LATE),
    "outbox row in the same commit": ("card", STORM),
    "refund row in the same commit": ("card", STORM),
    "idempotency key on refund": ("page", STORM),
}
MAX_SCHEDULES = 4_000  # schedules in which a missing mechanism must have shown


def in_parallel(protocol, seeds, methods, faults):
    """Two processes, whatever else runs: the tally of all these schedules."""
    half = len(seeds) // 2
    context = multiprocessing.get_context("spawn")  # pytest has threads
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        parts = (seeds[:half], seeds[half:])
        first, second = pool.map(campaign, [protocol] * 2, parts, [methods] * 2, [faults] * 2)
    return first + second


def examine(protocol, count, methods, faults):
    seeds = range(count)
    look = in_parallel if count > 10_000 else campaign
    return look(protocol, seeds, methods, faults)


@pytest.mark.failure("F09", "F10", "F11", "F34", "F35", "F36", "F50", "F51", "F54", "F55")
@pytest.mark.parametrize("methods", METHODS)
def test_no_schedule_loses_money_or_takes_it_twice(methods, record_property):
    count = times(400, 20_000)
    tally = examine(Shop, count, methods, HOSTILE)

    assert tally.broken == {}
    enough = count / 100  # or the schedules went nowhere
    assert min(tally.seen[name] for name in ("paid", "expired", "cancelled", "killed")) > enough
    record_property(
        "figure", f"model, {methods}: {count} schedules, {len(tally.broken)} broken, {tally.told()}"
    )


@pytest.mark.parametrize("methods", METHODS)
@pytest.mark.parametrize(
    "faults", [PEACEFUL, STORM, UNTOLD, LATE], ids=["peaceful", "storm", "untold", "late"]
)
def test_neither_does_one_in_other_weather(methods, faults):
    assert examine(Shop, times(100, 2_000), methods, faults).broken == {}


@pytest.mark.parametrize("methods", METHODS)
def test_money_is_safe_even_when_two_processes_talk_to_the_gateway(methods):
    """The lease of a claim is longer than any conversation; were it not, only needless things may happen."""
    tally = examine(Shop, times(200, 4_000), methods, SLEEPY)

    assert set(tally.kinds) <= {"asked_to_pay_again", "captured_in_vain", "expired_although_paid"}


@pytest.mark.parametrize("methods", ["paypal", "page"])
@pytest.mark.parametrize("protocol", [Naive, OrderFirst])
def test_protocols_that_look_reasonable_are_found_out(protocol, methods, record_property):
    count = times(100, 4_000)
    tally = examine(protocol, count, methods, HOSTILE)

    share = len(tally.broken) / count
    assert share > 0.3
    record_property("figure", f"model, {protocol.__name__}, {methods}: {share:.1%} of {count} broken")


def test_every_mechanism_has_its_weather():
    assert set(DIRECTED) == set(MECHANISMS)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_each_mechanism_is_missed_when_it_is_switched_off(mechanism):
    methods, faults = DIRECTED[mechanism]
    assert any(campaign(without(mechanism), [seed], methods, faults).broken for seed in range(MAX_SCHEDULES))


@pytest.mark.prove
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_how_often_each_mechanism_is_missed(mechanism, record_property):
    methods, faults = DIRECTED[mechanism]
    tally = in_parallel(without(mechanism), range(20_000), methods, faults)

    assert tally.broken
    share = f"{len(tally.broken) / tally.schedules:.2%} of {tally.schedules} broken"
    record_property("figure", f"model without “{mechanism}”, {methods}: {share}: {dict(tally.kinds)}")


def test_the_same_seed_is_the_same_schedule():
    first, again = (campaign(Shop, range(20), "mixed", HOSTILE) for _ in range(2))

    assert first.seen == again.seen
