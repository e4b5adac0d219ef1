"""Every rate limit there is: made once, taken from before the work is done, and exact when many come at once.

The limits are found in the code. For each of them ``SCENES`` knows how somebody comes to it, or
``REFUSED_IN`` which test sees it refuse; a limit that has neither fails.
"""

import ast
import importlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from checkout import order_access
from checkout.models import PrivacyRequest
from checkout.tests.scenes import add, make_cart, make_goods, place
from consulting.tests import scenes
from shop import clock
from shop.admin.sign_in import notices
from shop.models import OutboxMessage, Try
from shop.tests.harness.effort import times
from shop.tests.sign_in.scenes import person
from shop.web.rate_limit import AROUND, RateLimit

ROOT = Path(settings.BASE_DIR)
AT_ONCE = times(16, 48)


def sources(word: str) -> Iterator[tuple[Path, ast.Module]]:
    """The product's files that hold the word: to read all of them takes a second in every worker."""
    files = (path for folder in ROOT.glob("[!.]*") for path in folder.rglob("*.py"))
    for path in [*ROOT.glob("*.py"), *files]:
        is_product = not {"tests", "migrations"} & set(path.relative_to(ROOT).parts)
        if is_product and word in (text := path.read_text()):
            yield path, ast.parse(text)


def is_limit(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "RateLimit"


def found() -> dict[str, RateLimit]:
    """``module.NAME`` -> limit, of all constants that are one."""
    limits = {}
    for path, tree in sources("RateLimit"):
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(map(is_limit, ast.walk(node.value))):
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                for name in (each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)):
                    limits[f"{module}.{name}"] = getattr(importlib.import_module(module), name)
    return limits


LIMITS = found()


# --- how they are made and used ---


def test_each_is_a_constant_of_its_own():
    made = [node for _, tree in sources("RateLimit") for node in ast.walk(tree) if is_limit(node)]
    assert len(made) == len(LIMITS), "a limit made elsewhere than at the top of a module is raced by no test"
    scopes = Counter(limit.scope for limit in LIMITS.values())
    assert set(scopes.values()) == {1}, "two limits that count the same hits"


def test_nothing_can_be_asked_before_it_is_counted():
    """A question without a hit invites to act between the two: nothing but these is there to be called."""
    assert {name for name in vars(RateLimit) if not name.startswith("_")} - {"scope", "limit", "minutes"} == {
        "take",
        "taken",
        "release",
        "total",
        "count",  # these two are for alarms and for words on pages
        "free_at",
    }
    asked = [
        f"{path.name}:{node.lineno}"
        for path, tree in sources("Try")
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and ast.unparse(node).rpartition(".")[2] == "Try"
        and path.parts[-2:] not in {("web", "rate_limit.py"), ("privacy", "retention_rules.py")}
    ]
    assert asked == [], "hits are counted by RateLimit only"


def test_what_take_says_is_heeded():
    """Whoever drops the answer, or takes after the work, has no limit."""
    names = {name.rpartition(".")[2] for name in LIMITS}
    dropped = [
        f"{path.name}:{node.lineno}"
        for path, tree in sources("take")
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2] in {"take", "taken"}
        and ast.unparse(node.value.func).split(".")[-2] in names
    ]
    assert dropped == []


# --- by network ---


def request_from(address: str):
    return RequestFactory().get("/", REMOTE_ADDR=address)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "pattern", ["2001:db8:7:{n:x}::1", "203.0.113.{n}"], ids=["of one /48", "of one /24"]
)
def test_the_surroundings_of_a_network_have_a_limit_of_their_own(pattern):
    limit = RateLimit("test", limit=2, minutes=5)
    taken = [limit.take(request_from(pattern.format(n=number))) for number in range(1, 12)]
    assert sum(map(bool, taken)) == AROUND * limit.limit
    assert limit.take(request_from("198.51.100.1"))
    assert limit.take(request_from("2001:db8:8::1"))


@pytest.mark.django_db
def test_what_is_given_back_can_be_taken_again():
    limit = RateLimit("test", limit=1, minutes=5)
    for _ in range(3):  # were they kept, the second would get none
        with suppress(ZeroDivisionError), limit.taken("a") as hits:
            assert hits
            1 / 0  # noqa: B018 - the work fails
    assert limit.take("a")
    assert not limit.take("a")
    assert limit.take("b")
    assert RateLimit("other", limit=1, minutes=5).take("a")


# --- many at once ---


@dataclass(frozen=True)
class Scene:
    """``post`` is one try; ``passed`` says of all answers together how often it did what is limited."""

    post: Callable[[int], Any]
    passed: Callable[[list[Any]], int]


def let_through(answers: list[Any]) -> int:
    return sum(answer.status_code != 429 for answer in answers)


def naming_an_address() -> Scene:
    url = place(make_cart((make_goods(), 1))).get_absolute_url()
    return Scene(lambda n: Client().post(url, {"email": f"guess{n}@example.com"}), let_through)


def finding_orders() -> Scene:
    url = reverse("checkout:find")
    return Scene(lambda n: Client().post(url, {"email": f"guess{n}@example.com"}), let_through)


def losing_a_key() -> Scene:
    number = scenes.paid_order().number
    url = reverse("consulting:lost_key")
    return Scene(lambda n: Client().post(url, {"number": number, "email": f"g{n}@x.example"}), let_through)


def unlocking() -> Scene:
    scenes.paid_order()
    return Scene(lambda _: scenes.unlock(Client(), scenes.wrong_key()), let_through)


def entering_codes() -> Scene:
    tea = make_goods()

    def post(number: int):
        browser = Client()
        add(browser, tea)
        return browser.post(reverse("checkout:promo"), {"code": f"GUESS{number}"})

    return Scene(post, let_through)


def asking_for_privacy() -> Scene:
    order = scenes.paid_order()
    browser = Client()
    browser.post(order.get_absolute_url(), {"email": order.email})
    granted = browser.cookies[order_access.COOKIE].value

    def post(_: int) -> Any:
        asking = Client()
        asking.cookies[order_access.COOKIE] = granted
        return asking.post(reverse("checkout:privacy", args=[order.token]), {"kind": "export"})

    return Scene(post, lambda _: PrivacyRequest.objects.count())


def asking_for_sign_in_links() -> Scene:
    people = [person(f"name-{number}", group="").username for number in range(AT_ONCE)]
    url = reverse("sign_in:send_link")
    links = OutboxMessage.objects.filter(topic=notices.LINK)
    return Scene(lambda n: Client().post(url, {"username": people[n]}), lambda _: links.count())


SCENES: dict[str, Callable[[], Scene]] = {
    "checkout.orders.views.EMAIL_GUESSES": naming_an_address,
    "checkout.orders.lookup_views.ASKED": finding_orders,
    "consulting.client.key_views.ASKED": losing_a_key,
    "consulting.keys.throttle.BY_CLIENTS": unlocking,
    "checkout.promotions.views.CODE_GUESSES": entering_codes,
    "checkout.privacy.views.PER_ORDER": asking_for_privacy,
    "shop.admin.sign_in.notices.LINKS_ASKED": asking_for_sign_in_links,
}

REFUSED_IN = {  # limit -> how the name of its own test begins
    "consulting.client.key_views.PER_ORDER": "the_button_mails_the_key_and_shows_it_nowhere",
    "consulting.client.message_views.PER_CASE": "who_writes_very_often_is_asked_to_wait_and_keeps_the_text",
    "consulting.keys.throttle.BY_CONSULTANTS": "wrong_keys_of_consultants_are_limited_too",
    "consulting.keys.mails.KEYS_MAILED": "at_most_three_mails_a_day",
    "checkout.orders.new_browsers.NAMED": "no_browser_is_let_in_unheard_and_the_no_mailbox_is_flooded",
    "checkout.orders.mails.LINKS_MAILED": "a_mailbox_gets_three_mails",
    "checkout.orders.unpaid_mails.MAILED": "each_kind_of_mail_about_unpaid_orders_goes",
    "checkout.privacy.views.PER_LINK": "one_link_is_good_for_three_copies",
    "checkout.placement.drafts.LARGE_DRAFTS": "a_network_that_has_stored_too_much",
    "checkout.placement.drafts.NEW_DRAFTS": "a_network_begins_so_many_drafts_and_those_who_have_one_go_on",
    "checkout.placement.views.PERSONAL_OFFERS": "nobody_can_ask_for_many_addresses_whether_they_have_ordered",
    "checkout.intake.uploads.PER_NETWORK": "one_network_cannot_fill_the_disk",
    "checkout.intake.upload_budgets.PIECES_PER_NETWORK": "one_network_has_so_many_bytes_an_hour",
    "shop.admin.sign_in.limits.OLD_PASSWORD": "who_has_a_session_cannot_guess_its_password",
    "shop.admin.sign_in.limits.HERE": "one_account_from_one_network_of_ipv6",
    "shop.admin.sign_in.limits.NETWORK": "many_names_from_one_address",
    "shop.admin.sign_in.limits.ACCOUNT": "one_account_from_many_addresses",
    "shop.admin.sign_in.limits.KNOWN": "a_known_browser_has_a_limit_of_its_own_and_is_nobody_elses",
    "shop.admin.sign_in.limits.CODE": "wrong_codes_are_limited_and_told",
    "shop.admin.sign_in.limits.CODE_DAY": "wrong_codes_are_limited_and_told",
    "shop.admin.sign_in.notices.LINKS": "a_mailed_link_is_the_way_in_once",
    "shop.admin.sign_in.links.USED": "a_mailed_link_is_the_way_in_once",
    "shop.web.middleware.NEW_SESSIONS": "a_network_begins_so_many_and_those_who_have_one_go_on",
    "payments.attempts.limits.SENT_PER_NETWORK": "one_network_gets_so_many_codes",
    "payments.attempts.limits.SENT_PER_ORDER": "one_order_gets_so_many_codes_whoever_asks",
    "payments.attempts.limits.CODE_GUESSES": "codes_cannot_be_guessed_for_long",
    "payments.attempts.limits.QUESTIONS": "no_address_makes_the_shop_ask_without_end",
    "payments.attempts.limits.PER_ORDER": "one_order_begins_so_many_payments_and_its_buyer_reads_what_to_do",
    "payments.attempts.limits.PER_NETWORK": "one_network_begins_so_many_payments_and_neighbours",
    "payments.webhooks.reception.STRANGE_ONES": "one_network_takes_no_room_from_others",
    "payments.webhooks.reception.KNOWN_ONES": "one_network_takes_no_room_from_others",
    "payments.webhooks.reception.REFUSED": "a_flood_of_refused_ones_writes_no_more_than_it_may",
}


def test_for_each_there_is_a_test_in_which_it_refuses():
    assert sorted([*SCENES, *REFUSED_IN]) == sorted(LIMITS)
    tests = "".join(path.read_text() for path in ROOT.glob("*/tests/**/test_*.py"))
    missing = {test for test in REFUSED_IN.values() if f"def test_{test}" not in tests}
    assert missing == set()


@pytest.mark.django_db
@pytest.mark.parametrize("name", SCENES)
def test_what_is_beyond_the_limit_is_not_done(name, monkeypatch):
    monkeypatch.setattr(name, replace(LIMITS[name], limit=2))
    scene = SCENES[name]()
    assert scene.passed([scene.post(number) for number in range(4)]) == 2


def all_at_once(does: Callable[[int], object], count: int) -> list[object]:
    def run(number: int) -> object:
        try:
            return does(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LIMITS)
def test_of_many_takers_at_once_exactly_as_many_get_one_as_there_are(name, record_property):
    """Neither more, which is no limit, nor fewer, which shuts out people who may come in."""
    limit = LIMITS[name]
    spare = min(3, limit.limit)
    used = Try(purpose=limit.scope, network=limit._stored("somebody"), at=clock.now())
    Try.objects.bulk_create([copy(used) for _ in range(limit.limit - spare)])
    taken = all_at_once(lambda _: limit.take("somebody"), AT_ONCE)
    assert sum(map(bool, taken)) == spare
    record_property("figure", f"{name}: {AT_ONCE} takers at once of the last {spare}: {spare} got one")


@pytest.mark.prove
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", SCENES)
def test_of_many_posts_at_once_exactly_the_limit_goes_through(name, record_property):
    scene = SCENES[name]()
    answers = all_at_once(scene.post, AT_ONCE)
    passed = scene.passed(answers)
    record_property("figure", f"{name}: {AT_ONCE} posts at once, limit {LIMITS[name].limit}, {passed} passed")
    assert passed == LIMITS[name].limit


ON_SQLITE = """
import threading, django
django.setup()
from django.core.management import call_command
from django.db import connection
from shop.web.rate_limit import RateLimit
call_command("migrate", verbosity=0)
limit, got = RateLimit("test", limit=10, minutes=15), []
gate = threading.Barrier({count})
def run():
    gate.wait()
    got.append(bool(limit.take("somebody")))
    connection.close()
threads = [threading.Thread(target=run) for _ in range({count})]
[each.start() for each in threads]; [each.join() for each in threads]
print(sum(got), len(got))
"""


@pytest.mark.prove
def test_on_sqlite_exactly_the_limit_goes_through(tmp_path):
    surroundings = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SHOP_MODE": "demo",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
        "VAR_DIR": str(tmp_path),
    }
    script = ON_SQLITE.format(count=48)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["10", "48"]
