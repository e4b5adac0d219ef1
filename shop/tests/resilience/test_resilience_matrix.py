"""The resiliency matrix: one thing after another is taken away from a whole shop, and people go on."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

import pytest
import requests

from shop.tests.harness.buyer import Buyer
from shop.tests.harness.failures import APPS
from shop.tests.harness.resilience_matrix import table
from shop.tests.harness.resilience_matrix.table import (
    AFTERWARDS,
    BASE,
    COLUMNS,
    DEGRADED,
    ROWS,
    WORKS,
)
from shop.tests.harness.resilience_matrix.walk import SLOWEST, Walk, known, pay_by_paypal
from shop.tests.harness.stacks.stack import wait_for


@pytest.fixture(scope="module")
def shop(fragile_shop):
    """Every part is there again, whatever the tests before have taken."""
    return fragile_shop


@pytest.fixture(scope="module")
def somebody(shop):
    return cache(lambda: known(shop))


@pytest.fixture(scope="module")
def walked(shop, somebody):
    """``walked(row)``: what was seen while the thing was away. It is away once, for all tests of the row."""
    walks: dict[str, Walk] = {}

    def walk(row):
        if row not in walks:
            walks[row] = Walk(shop, row, somebody())
            walks[row].go(COLUMNS)
        return walks[row]

    yield walk
    for each in walks.values():
        each.close()


@pytest.mark.prove
@pytest.mark.failure("F15", "F18", "F20", "F22", "F23", "F41")
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("row", ROWS)
def test_while_it_is_away_everybody_gets_what_the_table_says(walked, row, column):
    assert seen_by(walked(row), column) == ROWS[row].value(column)


@pytest.mark.prove
@pytest.mark.failure("F15", "F18", "F20", "F22", "F23", "F41")
@pytest.mark.parametrize("row", ROWS)
def test_when_it_is_back_everything_catches_up(walked, row):
    assert seen_by(walked(row), AFTERWARDS) == WORKS
    assert walked(row).slowest < SLOWEST, "no page kept anybody waiting"


def seen_by(walk, what):
    seen = walk.seen[what]
    if isinstance(seen, Exception):
        raise seen
    return seen


@pytest.mark.prove
@pytest.mark.failure("F22")
def test_nothing_but_celery_and_the_health_check_talks_to_redis(walked, shop):
    """So there is no cache that could be lost: see the row."""
    walked("redis-cache")
    commands = [command.split() for command in shop.asked_of_redis]
    assert ["FLUSHALL"] in commands, "nobody listened"
    foreign = {
        tuple(words[:2]) for words in commands if words[0] not in ADMINISTRATIVE and not is_celerys(words)
    }
    assert foreign == set()


CONNECTING = {"CLIENT", "HELLO", "INFO", "PING", "SELECT"}
ADMINISTRATIVE = CONNECTING | {"FLUSHALL", "MULTI", "EXEC", "UNWATCH", "SCRIPT"}
CELERYS = ("shop", "outbox", "_kombu.", "unacked", "celery", "/1.celery", "/1.reply", "reply")


def is_celerys(words):
    """By the key it is about: EVALSHA, which keeps kombu's tables of bindings, names it behind two words."""
    keys = words[3:] if words[0] == "EVALSHA" else words[1:]
    return bool(keys) and keys[0].startswith(CELERYS)


def test_the_code_asks_for_no_cache():
    asking = re.compile(r"^\s*(?:import redis|from redis|from django\.core(?:\.cache)? import .*cache)", re.M)
    sources = (path for app in APPS for path in (BASE / app).rglob("*.py") if "tests" not in path.parts)
    assert [str(path.relative_to(BASE)) for path in sources if asking.search(path.read_text())] == [
        "shop/monitoring/health.py"
    ]


@pytest.mark.prove
@pytest.mark.failure("F16")
def test_the_whole_machine_dies_under_people_and_comes_back_without_a_hand(shop, somebody):
    walk = Walk(shop, "machine", somebody())
    walk.prepare()
    acts = [
        lambda: walk.visitor.post_checkout(walk.typed),
        lambda: pay_by_paypal(walk.payer),
        lambda: walk.returner.get(walk.back),
    ]
    with ThreadPoolExecutor(len(acts)) as pool:
        going = [pool.submit(act) for act in acts]
        time.sleep(0.3)
        with shop.dead():
            for act in going:
                with suppress(requests.RequestException):
                    act.result()
    wait_for(lambda: is_ready(shop), "the shop to be ready", 60)
    walk.finish()


def is_ready(shop):
    with suppress(requests.ConnectionError):
        return requests.get(f"{shop.stack.url}/readyz", timeout=20).json()["shop"] == "ready"


@pytest.mark.prove
@pytest.mark.failure("F15")
def test_beat_that_was_away_for_an_hour_and_then_runs_twice_has_one_effect(shop, somebody):
    walk = Walk(shop, "two-beats", somebody())
    forgetful = Buyer(shop.stack, email="two-beats-forgetful@example.com").check_out()
    with shop.held("beat"):
        shop.later(3600)
        walk.prepare()
        time.sleep(3)
        assert shop.orders(forgetful.email) == [(forgetful.number, "pending")], "nobody has looked"
    with shop.second_beat():
        shop.wait_for_orders(forgetful.email, "expired", within=120)
        walk.visitor.post_checkout(walk.typed)
        walk.finish()
    movements = shop.rows(
        "SELECT kind, count(*) FROM checkout_stockmovement m JOIN checkout_order o ON o.id = m.order_id"
        " WHERE o.number = %(number)s GROUP BY kind",
        number=forgetful.number,
    )
    assert dict(movements) == {"reserve": 1, "release": 1}


def test_only_a_database_that_is_down_closes_the_shop_and_pay_needs_nothing_else():
    refusing = [name for name, row in ROWS.items() if row.value("browse") != WORKS]
    assert refusing == ["postgresql"]
    for name in ("redis-broker", "redis-silent", "redis-cache", "smtp", "smtp-silent", "worker", "beat"):
        assert {ROWS[name].value(column) for column in COLUMNS if column != "others"} == {WORKS}
    waits_for_the_worker = [name for name, row in ROWS.items() if row.value("others") == DEGRADED]
    assert waits_for_the_worker == ["redis-broker", "redis-silent", "worker"], "and for no other's peer"


def test_each_peer_is_away_and_silent():
    for name in ("redis-broker", "smtp", "paypal", "unionpay"):
        assert {name, f"{name.removesuffix('-broker')}-silent"} <= ROWS.keys()


def test_the_table_in_docs_is_this_one():
    assert table.table() in table.DOCUMENT.read_text(), f"run `python -m {table.__name__}`"
