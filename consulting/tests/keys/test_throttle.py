"""Guessing order keys: every network is soon refused, all together only raise an alarm, and the owner gets
in all the while."""

import datetime as dt
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.translation import gettext, override

from consulting.keys import health as key_health
from consulting.keys import services as keys
from consulting.keys import throttle as key_throttle
from consulting.models import AccessLog
from consulting.tests import scenes
from consulting.tests.scenes import unlock, wrong_key
from shop import clock
from shop.models import OutboxMessage, Try
from shop.tests.harness.effort import times
from shop.web import rate_limit

ADDRESSES = 200
NEIGHBOURHOODS = times(2, 4)  # few guesses fill only few of them
GUESSES = times(200, 10_000)


@pytest.fixture
def looked_up(monkeypatch):
    """How many keys were looked up, by the address they came from."""
    counts: Counter[str] = Counter()
    asking: list[str] = []
    look_up, take = keys._find_key, rate_limit.RateLimit.take

    def remember(limit, request):
        asking[:] = [request.META["REMOTE_ADDR"]]
        return take(limit, request)

    def count(typed):
        counts[asking[0]] += 1
        return look_up(typed)

    monkeypatch.setattr(rate_limit.RateLimit, "take", remember)
    monkeypatch.setattr(keys, "_find_key", count)
    return counts


def addresses():
    """Some alone in their surroundings, most of them neighbours in a few /24, a quarter of them IPv6."""
    alone = [f"10.{number}.0.1" for number in range(ADDRESSES // 4)]
    neighbours = [
        f"172.16.{number % NEIGHBOURHOODS}.{number // NEIGHBOURHOODS + 1}" for number in range(ADDRESSES // 2)
    ]
    ipv6 = [f"2001:db8:{number % 5}:{number:x}::1" for number in range(ADDRESSES // 4)]
    return alone + neighbours + ipv6


@pytest.mark.django_db
def test_wrong_keys_from_200_addresses_open_nothing_and_the_owner_gets_in(
    order, key, looked_up, deliver_outbox, record_property, monkeypatch
):
    """Rows I19, I29 of the invariants: what is processed stays within the limits, whoever attacks."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)  # all within one window
    attacker, owner = Client(), Client()
    answers: Counter[int] = Counter()
    sources = addresses()
    for number in range(GUESSES):
        address = sources[number % ADDRESSES]
        answers[unlock(attacker, wrong_key(), scenes.EMAIL, REMOTE_ADDR=address).status_code] += 1
        if number % (GUESSES // 10) == 0:
            assert unlock(owner, key, REMOTE_ADDR="192.0.2.1").status_code == 302
            assert owner.get(reverse("consulting:index")).status_code == 200
    assert looked_up.pop("192.0.2.1") == 10
    assert answers[302] == 0
    assert set(answers) == {200, 429}
    assert sum(looked_up.values()) == answers[200]
    per_network, around = Counter(), Counter()
    for address, count in looked_up.items():
        per_network[rate_limit.network_of(address)] += count
        around[rate_limit.surroundings_of(address)] += count
    assert max(per_network.values()) <= key_throttle.MAX_WRONG
    assert max(around.values()) == rate_limit.AROUND * key_throttle.MAX_WRONG
    assert AccessLog.objects.filter(what="unlocked").count() == 10
    mail.outbox.clear()
    deliver_outbox()
    alarms = sent_alarms()
    assert len(alarms) <= 1
    assert len(alarms) == (answers[200] > key_throttle.MANY)
    record_property(
        "figure",
        f"{GUESSES} wrong keys from {ADDRESSES} addresses: {answers[200]} looked up, {answers[429]} refused,"
        f" 0 hits, at most {max(per_network.values())} per network and {max(around.values())} around it;"
        " the owner got in 10 of 10 times",
    )


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_pass_the_limit_together(looked_up):
    scenes.paid_order()

    def guess(_):
        try:
            return unlock(Client(), wrong_key(), REMOTE_ADDR="10.1.1.1").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(guess, range(times(40, 200))))
    assert answers[200] <= key_throttle.MAX_WRONG
    assert set(answers) <= {200, 429}
    rows = Try.objects.filter(network="10.1.1.1/32").count()
    assert rows == answers[200], "refused tries do not lengthen the refusal"


@pytest.mark.django_db
def test_a_network_that_is_refused_is_let_in_again_though_it_never_stopped(client, order, key, monkeypatch):
    start = clock.now()
    for minute in range(17):
        monkeypatch.setattr(clock, "now", lambda m=minute: start + dt.timedelta(minutes=m))
        for _ in range(11 if minute in {0, 15, 16} else 1):
            unlock(client, wrong_key())
    assert Try.objects.filter(network__endswith="/32").count() == 20, (
        "ten, and ten after a quarter of an hour"
    )


@pytest.mark.django_db
def test_an_address_and_its_ipv6_form_are_one_network():
    assert rate_limit.network_of("::ffff:203.0.113.7") == rate_limit.network_of("203.0.113.7")
    assert rate_limit.network_of("::ffff:203.0.113.8") != rate_limit.network_of("203.0.113.7")
    assert rate_limit.surroundings_of("203.0.113.7") == "203.0.113.0/24"
    assert rate_limit.surroundings_of("2001:db8:1:2::9") == "2001:db8:1::/48"
    assert rate_limit.network_of("fe80::1%eth0") == rate_limit.network_of("fe80::2")
    assert rate_limit.network_of("") == rate_limit.surroundings_of("nonsense") == "unknown"


@pytest.mark.django_db
def test_what_has_no_address_is_one_network_with_the_smaller_limit(client, order):
    answers = [unlock(client, wrong_key(), REMOTE_ADDR="").status_code for _ in range(12)]
    assert answers == [200] * 10 + [429] * 2


# --- the alarm ---


def sent_alarms():
    with override(settings.LANGUAGE_CODE):  # the shop's own language
        subject = gettext("Many wrong order keys")
    return [message for message in mail.outbox if subject in message.subject]


@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(key_throttle, "MANY", 5)


def guess_from_many(count, first=0):
    for number in range(first, first + count):
        assert unlock(Client(), wrong_key(), REMOTE_ADDR=f"10.0.{number}.1").status_code == 200


@pytest.mark.django_db
def test_very_many_wrong_keys_raise_an_alarm_once_an_hour_and_lock_nothing(
    client, order, key, many, deliver_outbox, monkeypatch
):
    start = clock.now().replace(minute=0, second=0)
    monkeypatch.setattr(clock, "now", lambda: start)
    guess_from_many(5)
    assert not OutboxMessage.objects.filter(topic=key_throttle.ALARM).exists()
    guess_from_many(8, first=5)
    assert OutboxMessage.objects.filter(topic=key_throttle.ALARM).count() == 1
    assert unlock(client, key).status_code == 302
    mail.outbox.clear()
    deliver_outbox()
    (alarm,) = sent_alarms()
    assert alarm.to == ["merchant@shop.example"]
    monkeypatch.setattr(clock, "now", lambda: start + dt.timedelta(hours=1))
    guess_from_many(6, first=30)
    assert OutboxMessage.objects.filter(topic=key_throttle.ALARM).count() == 2


@pytest.mark.django_db
def test_a_slow_trickle_is_no_alarm(order, many, monkeypatch):
    start = clock.now()
    for number in range(8):
        monkeypatch.setattr(clock, "now", lambda n=number: start + dt.timedelta(seconds=61 * n))
        guess_from_many(1, first=number)
    assert not OutboxMessage.objects.filter(topic=key_throttle.ALARM).exists()


@pytest.mark.django_db
def test_money_health_shows_the_alarms_of_a_day_as_a_note(order, many):
    def key_check():
        return key_health.checks(None)["key-guessing"]()

    assert key_check().state == "ok"
    guess_from_many(6)
    assert key_check().state == "note"
    assert "wrong order keys a minute" in key_check().findings[0].text
    OutboxMessage.objects.update(created_at=clock.now() - dt.timedelta(days=2))
    assert key_check().state == "ok"


@pytest.mark.django_db
def test_wrong_keys_of_consultants_count_too(workspace, order, many):
    for number in range(6):
        workspace.post(
            reverse("consulting:open_with_key"), {"order_key": wrong_key()}, REMOTE_ADDR=f"10.0.{number}.1"
        )
    assert OutboxMessage.objects.filter(topic=key_throttle.ALARM).count() == 1
