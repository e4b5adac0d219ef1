"""Guessing passwords: from many addresses, of many names, many at once; and the rightful owner gets in."""

import datetime as dt
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core import mail, signing
from django.db import connection
from django.test import Client
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import override

from shop import clock
from shop.admin.sign_in import hashers as own_hashers
from shop.admin.sign_in import known_browsers, limits, links, notices
from shop.models import OutboxMessage, Try
from shop.tests.harness.effort import times
from shop.tests.sign_in.scenes import PASSWORD, moved, person, sign_in
from shop.web.rate_limit import RateLimit

__all__ = ["moved"]

WRONG = "certainly not this one"


@pytest.fixture
def compared(monkeypatch):
    """How many passwords were compared, by name."""
    counts: Counter[str] = Counter()
    authenticate = ModelBackend.authenticate

    def count(self, request, username=None, password=None, **more):
        counts[username] += 1
        return authenticate(self, request, username=username, password=password, **more)

    monkeypatch.setattr(ModelBackend, "authenticate", count)
    return counts


def guess(times, *, name="merchant", address="10.0.0.1"):
    """Answers to wrong passwords; ``name`` and ``address`` may say ``{n}``."""
    return Counter(
        sign_in(Client(), name.format(n=n), WRONG, REMOTE_ADDR=address.format(n=n)).status_code
        for n in range(times)
    )


@pytest.mark.django_db
def test_one_account_from_many_addresses(compared, record_property):
    person()
    answers, addresses = Counter(), times(7, 30)
    for n in range(addresses):
        answers += guess(4, address=f"10.{n}.0.1")
    refused = 4 * addresses - 20
    assert answers == {200: 20, 429: refused}
    assert compared["merchant"] == 20
    said = f"{4 * addresses} wrong passwords from {addresses} addresses: 20 compared, {refused} refused"
    record_property("figure", said)


@pytest.mark.django_db
def test_one_account_from_one_network_of_ipv6(compared, record_property):
    person()
    tries = times(12, 80)
    assert guess(tries, address="2001:db8:1:1::{n:x}") == {200: 5, 429: tries - 5}
    assert compared["merchant"] == 5
    record_property("figure", f"{tries} wrong passwords from one /64: 5 compared, {tries - 5} refused")


@pytest.mark.django_db
def test_many_names_from_one_address(compared, record_property):
    tries = times(26, 60)
    assert guess(tries, name="name-{n}") == {200: 20, 429: tries - 20}
    assert compared.total() == 20
    record_property("figure", f"{tries} names from one address: 20 compared, {tries - 20} refused")


@pytest.mark.django_db
def test_the_surroundings_of_a_network_have_a_limit_too(compared):
    tries = times(66, 100)
    assert guess(tries, name="name-{n}", address="2001:db8:1:{n:x}::1") == {200: 60, 429: tries - 60}


@pytest.mark.django_db
def test_no_spelling_of_a_name_has_tries_of_its_own(compared):
    spellings = ["merchant", "Merchant", "ＭＥＲＣＨＡＮＴ", " merchant", "mer\u200bchant"]
    answers, tries = Counter(), times(30, 60)
    for n in range(tries):
        answers += guess(1, name=spellings[n % 5], address=f"10.{n}.0.1")
    assert answers == {200: 20, 429: tries - 20}


@pytest.mark.django_db(transaction=True)
def test_sixteen_at_once_do_not_pass_the_limit_together(compared):
    person()

    def one(_):
        try:
            return sign_in(Client(), "merchant", WRONG).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(one, range(16)))
    assert set(answers) <= {200, 429}
    assert compared["merchant"] == answers[200] <= 5
    assert answers[429] >= 11


@pytest.mark.django_db
def test_the_owner_gets_in_from_a_browser_that_is_known(compared):
    person()
    browser = Client()
    assert sign_in(browser).status_code == 302
    browser.post("/en/admin/logout/")
    for n in range(30):
        guess(1, address=f"10.{n}.0.1")
    assert sign_in(Client(), REMOTE_ADDR="10.99.0.1").status_code == 429
    guess(5, address="127.0.0.1")  # also from the owner's own network
    assert sign_in(browser).status_code == 302


@pytest.mark.django_db
def test_a_known_browser_has_a_limit_of_its_own_and_is_nobody_elses(compared):
    user = person()
    person("lam")
    browser = Client()
    sign_in(browser)
    browser.post("/en/admin/logout/")
    answers = Counter(sign_in(browser, "merchant", WRONG).status_code for _ in range(14))
    assert answers == {200: 10, 429: 4}
    assert Counter(sign_in(browser, "lam", WRONG).status_code for _ in range(8)) == {200: 5, 429: 3}
    forged = Client()
    mark = {str(user.pk): "another browser"}
    forged.cookies["known"] = signing.dumps(mark, key="not the shop's", salt=known_browsers.SALT)
    for n in range(20):
        guess(1, address=f"10.{n}.0.1")
    assert sign_in(forged, REMOTE_ADDR="10.99.0.1").status_code == 429


@pytest.mark.django_db
def test_a_right_password_is_not_counted(compared):
    person()
    for _ in range(25):
        assert sign_in(Client()).status_code == 302
    assert not Try.objects.filter(purpose__startswith="sign-in").exists()


@pytest.mark.django_db
def test_a_mailed_link_is_the_way_in_once(deliver_outbox, moved):
    person()
    for n in range(20):
        guess(1, address=f"10.{n}.0.1")
    stranger, owner = Client(), Client()
    for name in ("merchant", "nobody"):
        asked = stranger.post("/en/admin/sign-in/link/", {"username": name})
        assert asked.url == "/en/admin/sign-in/link/sent/"
    mail.outbox.clear()
    deliver_outbox()
    (letter,) = [each for each in mail.outbox if "link/" in each.body]
    assert letter.to == ["merchant@example.com"]
    link = re.search(r"https?://\S+(/en/admin/sign-in/link/\S+)", letter.body).group(1)
    assert sign_in(owner).status_code == 429
    assert owner.get(link).status_code == 200  # a look uses nothing up
    assert owner.post(link).url == "/en/admin/login/"
    assert sign_in(owner, password=WRONG).status_code == 200  # it is no password
    assert sign_in(owner).status_code == 302
    assert stranger.post(link).status_code == 403
    for n in range(6):
        stranger.post("/en/admin/sign-in/link/", {"username": "merchant"}, REMOTE_ADDR=f"10.1.1.{n}")
    assert OutboxMessage.objects.filter(topic=notices.LINK).count() == 3


@pytest.mark.django_db
def test_of_two_who_press_a_link_at_once_one_is_let_in(monkeypatch):
    token = links.make(person(), "en").rstrip("/").rpartition("/")[2]
    monkeypatch.setattr(RateLimit, "count", lambda *_: 0)  # neither has seen the other
    assert links.read(token, use=True)
    assert not links.read(token, use=True)


@pytest.mark.django_db
def test_a_link_is_too_old_after_an_hour(moved):
    link = links.make(person(), "en").partition("/en/")[2]
    moved(minutes=61)
    assert Client().post(f"/en/{link}").status_code == 403


@pytest.mark.django_db
def test_a_link_is_over_once_the_account_has_another_address():
    from shop.admin.sign_in import links

    owner = person()
    link = links.make(owner, "en").partition("/en/")[2]
    User.objects.filter(pk=owner.pk).update(email="another@shop.example")
    assert Client().post(f"/en/{link}").status_code == 403
    User.objects.filter(pk=owner.pk).update(email=owner.email)
    assert Client().post(f"/en/{link}").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("hour", [15, 16], ids=["shortly before midnight in Hong Kong", "after it"])
@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        ("en", ["You can try again from", "(Hong Kong time)", "Send me the link"]),
        ("zh-hant", ["香港時間", "起可再試", "寄連結給我"]),
    ],
)
def test_the_page_says_until_when_and_how_to_go_on(language, sentences, hour, moved):
    tomorrow = clock.now() + dt.timedelta(days=1)
    moved(seconds=(tomorrow.replace(hour=hour, minute=48) - clock.now()).total_seconds())
    guess(5)
    url = f"/{language}/admin/login/"
    page = Client().post(url, {"username": "merchant", "password": PASSWORD}, REMOTE_ADDR="10.0.0.1")
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 15 * 60 + 1
    assert "no-store" in page["Cache-Control"]
    text = page.content.decode()
    assert all(sentence in text for sentence in sentences)
    with override(language):
        day_after = date_format(localtime(clock.now()) + dt.timedelta(days=1), "MONTH_DAY_FORMAT")
    assert (day_after in text) == (hour == 15)  # the day is told where it is another one
    assert f'href="{url}"' in text
    assert 'value="merchant"' in text


@pytest.mark.django_db
def test_after_the_wait_the_right_password_is_taken_again(moved):
    person()
    guess(6)
    moved(minutes=16)
    assert sign_in(Client(), REMOTE_ADDR="10.0.0.1").status_code == 302


@pytest.mark.django_db
def test_a_burst_is_told_to_the_person_and_the_owner_once(deliver_outbox):
    person()
    User.objects.create_superuser("owner", "owner@example.com", PASSWORD)
    for n in range(30):
        guess(1, address=f"10.{n}.0.1")
    deliver_outbox()
    assert sorted(each.to for each in mail.outbox) == [["merchant@example.com"], ["owner@example.com"]]
    assert WRONG not in mail.outbox[0].body


@pytest.mark.django_db
def test_very_many_over_all_accounts_are_told_to_the_shop(deliver_outbox, settings, monkeypatch):
    monkeypatch.setattr(limits, "ALARM_ALL", 10)
    settings.MERCHANT_EMAILS = ["shop@example.com"]
    guess(12, name="name-{n}")
    deliver_outbox()
    assert [each.to for each in mail.outbox] == [["shop@example.com"]]


@pytest.mark.django_db
def test_few_passwords_are_hashed_at_once_and_known_browsers_have_places_of_their_own(settings, monkeypatch):
    settings.PASSWORD_HASHERS = ["shop.admin.sign_in.hashers.Argon2"]
    monkeypatch.setattr(own_hashers, "PATIENCE", 0)
    monkeypatch.setattr(own_hashers.Argon2, "memory_cost", 64)
    person()
    browser = Client()
    assert sign_in(browser).status_code == 302
    browser.post("/en/admin/logout/")
    with own_hashers.place():
        page = sign_in(Client(), password=WRONG)
        assert (page.status_code, page["Retry-After"]) == (503, "10")
        assert sign_in(browser).status_code == 302


@pytest.mark.django_db
def test_a_try_for_which_there_was_no_place_is_not_counted_and_no_page_breaks(settings, monkeypatch):
    """Also where the staff's own forms hash, which run within another middleware."""
    settings.PASSWORD_HASHERS = ["shop.admin.sign_in.hashers.Argon2"]
    monkeypatch.setattr(own_hashers, "PATIENCE", 0)
    monkeypatch.setattr(own_hashers.Argon2, "memory_cost", 64)
    other = person("lam")
    owner = User.objects.create_superuser("owner", password=PASSWORD)
    browser = Client(raise_request_exception=False)
    browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    monkeypatch.setattr("shop.admin.sign_in.second_factor.is_verified", lambda request: True)
    monkeypatch.setattr("shop.admin.sign_in.second_factor.is_fresh", lambda request: True)
    url = f"/en/admin/auth/user/{other.pk}/password/"
    typed = {"usable_password": "true", "password1": "kettle-anchor-violet-9"}
    typed |= {"password2": typed["password1"], "page_token": "x" * 16}
    with own_hashers.place():
        assert sign_in(Client(), "lam", WRONG).status_code == 503
        assert browser.post(url, typed).status_code == 503
    assert not Try.objects.filter(purpose__startswith="sign-in").exists()


@pytest.mark.django_db
def test_who_has_a_session_cannot_guess_its_password_where_it_is_changed():
    user = person(group="")
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    new = {"new_password1": "kettle-anchor-violet-9", "new_password2": "kettle-anchor-violet-9"}
    changes = limits.OLD_PASSWORD.limit
    for _ in range(changes):
        page = browser.post("/en/admin/password_change/", new | {"old_password": WRONG})
        assert "Too many tries" not in page.content.decode()
    page = browser.post("/en/admin/password_change/", new | {"old_password": PASSWORD})
    assert "Too many tries" in page.content.decode()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    Try.objects.all().delete()
    assert browser.post("/en/admin/password_change/", new | {"old_password": PASSWORD}).status_code == 302
    assert not Try.objects.filter(purpose=limits.OLD_PASSWORD.scope).exists(), "a right one is not counted"


@pytest.mark.django_db
def test_a_copied_session_does_not_keep_its_owner_from_changing_the_password(client):
    person(group="")
    assert sign_in(client, "merchant").status_code == 302
    copied = Client()
    for name in client.cookies.keys() - {settings.KNOWN_BROWSER_COOKIE_NAME}:
        copied.cookies[name] = client.cookies[name].value
    new = {"new_password1": "kettle-anchor-violet-9", "new_password2": "kettle-anchor-violet-9"}
    for _ in range(limits.OLD_PASSWORD.limit + 1):
        page = copied.post("/en/admin/password_change/", new | {"old_password": WRONG})
    assert "Too many tries" in page.content.decode()
    assert client.post("/en/admin/password_change/", new | {"old_password": PASSWORD}).status_code == 302


@pytest.mark.django_db
def test_an_old_password_for_which_there_was_no_place_is_not_counted(client, monkeypatch):
    person(group="")
    assert sign_in(client, "merchant").status_code == 302
    monkeypatch.setattr(User, "check_password", raises_busy)
    for _ in range(limits.OLD_PASSWORD.limit + 1):
        assert client.post("/en/admin/password_change/", {"old_password": PASSWORD}).status_code == 503
    assert not Try.objects.filter(purpose=limits.OLD_PASSWORD.scope).exists()


def raises_busy(*_args):
    raise own_hashers.Busy


def test_passwords_are_hashed_by_argon2_and_older_ones_still_fit():
    import shop.settings as of_the_shop

    assert of_the_shop.PASSWORD_HASHERS[0] == "shop.admin.sign_in.hashers.Argon2"
    for name in of_the_shop.PASSWORD_HASHERS:
        hasher = hashers.import_string(name)()
        assert hasher.verify(PASSWORD, hasher.encode(PASSWORD, hasher.salt()))
    made = own_hashers.Argon2()
    cost = made.decode(made.encode(PASSWORD, made.salt()))
    assert cost["memory_cost"] >= 19 * 1024  # OWASP's least for two passes
    assert (cost["time_cost"], cost["variety"]) == (2, "argon2id")


@pytest.mark.django_db
def test_a_foreign_next_leads_to_the_index():
    person()
    client = Client()
    answer = client.post(
        LOGIN_WITH, {"username": "merchant", "password": PASSWORD, "next": "//evil.example/"}
    )
    assert answer.url == "/en/admin/"
    assert client.get(answer.url).status_code == 200


LOGIN_WITH = "/en/admin/login/?next=//evil.example/"
