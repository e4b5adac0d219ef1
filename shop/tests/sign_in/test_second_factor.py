"""Codes: each taken once, however spaced and however many at once; set-up, recovery, reset."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django_otp.oath import TOTP

from shop import clock
from shop.admin.sign_in import second_factor
from shop.keyring import rotation
from shop.models import AuthenticatorApp, RecoveryCode
from shop.tests.sign_in.scenes import (
    ADMIN,
    code_of,
    give_code,
    key_on,
    moved,
    person,
    sign_in,
    signed_in,
    with_app,
)

__all__ = ["moved"]
pytestmark = pytest.mark.django_db

CODE_PAGE, SET_UP = "/en/admin/sign-in/code/", "/en/admin/sign-in/set-up/"
CODES = re.compile(r"<code>((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})</code>")


def code_for(key, steps=0):
    made = TOTP(key)
    made.time = clock.now().timestamp() + steps * second_factor.STEP
    return f"{made.token():06d}"


def test_after_the_password_comes_the_code_and_then_the_page_that_was_wanted():
    app = with_app(person())
    client = Client()
    assert sign_in(client).url == ADMIN
    asked = client.get("/en/admin/checkout/order/?q=1")
    assert asked.url.startswith(f"{CODE_PAGE}?next=")
    page = client.get(asked.url)
    assert page.status_code == 200
    there = re.search(r'name="next" value="([^"]+)"', page.content.decode()).group(1)
    answer = client.post(CODE_PAGE, {"code": code_of(app), "next": there})
    assert answer.url == "/en/admin/checkout/order/?q=1"
    assert client.get(answer.url).status_code == 200


def test_the_code_leads_to_no_foreign_page():
    app = with_app(person())
    client = Client()
    sign_in(client)
    answer = client.post(CODE_PAGE, {"code": code_of(app), "next": "//evil.example/"})
    assert answer.url == ADMIN


@pytest.mark.parametrize("dressed", ["{0} {1}", "\u200b{0}{1}\u200b", " {0}-{1} ", "wide"])
def test_a_code_may_be_spaced_as_it_is_shown(dressed):
    app = with_app(person())
    code = code_of(app)
    typed = dressed.format(code[:3], code[3:])
    if dressed == "wide":
        typed = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    client = Client()
    sign_in(client)
    assert give_code(client, typed).status_code == 302
    assert client.get(ADMIN).status_code == 200


def test_no_code_is_taken_twice_and_none_of_long_ago(moved):
    app = with_app(person())
    code, first, second = code_of(app), Client(), Client()
    sign_in(first)
    sign_in(second)
    assert give_code(first, code).status_code == 302
    assert give_code(second, code).status_code == 200
    assert "was used before" in give_code(second, code).content.decode()
    moved(minutes=2)
    assert give_code(second, code).status_code == 200
    assert give_code(second, code_of(app)).status_code == 302


def test_a_clock_may_be_half_a_minute_off():
    assert second_factor.take(with_app(person()).user, code_of(AuthenticatorApp.objects.get(), 1))
    assert not second_factor.take(User.objects.get(), code_of(AuthenticatorApp.objects.get(), 3))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["code", "recovery code"])
def test_of_many_at_once_one_is_taken(kind):
    user = person()
    app = with_app(user)
    code = code_of(app) if kind == "code" else second_factor.new_codes(user)[0]

    def take(_):
        try:
            return second_factor.take(user, code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(map(bool, pool.map(take, range(8)))) == 1


def test_wrong_codes_are_limited_and_told(deliver_outbox, moved):
    user = person()
    app = with_app(user)
    client = Client()
    sign_in(client)
    statuses = [give_code(client, "000000").status_code for _ in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    page = give_code(client, code_of(app))
    assert page.status_code == 429
    assert 0 < int(page["Retry-After"]) <= 15 * 60 + 1
    deliver_outbox()
    assert [each.to for each in mail.outbox] == [["merchant@example.com"]]
    moved(minutes=16)
    assert give_code(client, code_of(app)).status_code == 302
    statuses = []
    for _ in range(10):
        moved(minutes=16)
        stranger = Client()
        sign_in(stranger)
        statuses += [give_code(stranger, "000000").status_code for _ in range(5)]
    assert statuses.count(200) == 25  # with the first five, thirty in a day
    client.post("/en/admin/logout/")
    assert sign_in(client).status_code == 302
    assert give_code(client, code_of(app)).status_code == 302  # the owner's browser has tries of its own


def test_set_up_shows_a_key_and_codes_once(settings):
    settings.STAFF_SECOND_FACTOR = True
    user = person()
    client = Client()
    sign_in(client)
    asked = client.get("/en/admin/catalog/product/")
    assert asked.url.startswith(SET_UP)
    page = client.get(asked.url)
    key = key_on(page)
    assert len(key) == 20
    text = page.content.decode()
    assert "<svg" in text
    assert " style=" not in text[text.index("<svg") : text.index("</svg>")]
    assert key_on(client.get(SET_UP)) == key  # a reload changes nothing
    assert client.post(SET_UP, {"code": "000000"}).status_code == 200
    shown = client.post(SET_UP, {"code": code_for(key), "next": "/en/admin/catalog/product/"})
    codes = CODES.findall(shown.content.decode())
    assert len(set(codes)) == second_factor.CODES
    assert "no-store" in shown["Cache-Control"]
    assert client.get("/en/admin/catalog/product/").status_code == 200
    assert not CODES.findall(client.get("/en/admin/sign-in/").content.decode())
    # At rest there is neither the key nor a code.
    row = AuthenticatorApp.objects.get(user=user)
    assert key not in bytes(row.key)
    assert not any(
        code.replace("-", "") in each.digest for code in codes for each in RecoveryCode.objects.all()
    )
    other = Client()
    sign_in(other)
    assert give_code(other, codes[0].lower().replace("-", " ")).status_code == 302
    assert other.get(ADMIN).status_code == 200
    again = Client()
    sign_in(again)
    assert give_code(again, codes[0]).status_code == 200


def test_a_key_that_another_session_has_seen_is_never_confirmed():
    user = person()
    thief, owner = signed_in(user), signed_in(user)
    seen = key_on(thief.get(SET_UP))
    assert key_on(owner.get(SET_UP)) != seen
    assert owner.post(SET_UP, {"code": code_for(seen)}).status_code == 200
    assert not AuthenticatorApp.objects.filter(confirmed=True).exists()


def test_another_phone_ends_the_first_in_every_session():
    user = person()
    app = with_app(user)
    client, elsewhere = signed_in(user, app), signed_in(user)
    assert give_code(elsewhere, code_of(app, 1)).status_code == 302
    key = key_on(client.get(SET_UP))
    assert client.post(SET_UP, {"code": code_for(key)}).status_code == 200
    assert client.get(ADMIN).status_code == 200
    assert elsewhere.get(ADMIN).url.startswith(CODE_PAGE)
    assert AuthenticatorApp.objects.count() == 1


def test_the_owner_resets_it_and_a_command_does_for_the_owner(settings, capsys, deliver_outbox):
    settings.STAFF_SECOND_FACTOR = True
    user = person()
    app = with_app(user)
    client = signed_in(user, app)
    owner = User.objects.create_superuser("owner", "owner@example.com")
    owners = signed_in(owner, with_app(owner))
    assert client.post(f"/en/admin/sign-in/reset/{owner.pk}/").status_code == 403
    assert owners.get(f"/en/admin/sign-in/reset/{user.pk}/").status_code == 200
    assert owners.post(f"/en/admin/sign-in/reset/{user.pk}/").status_code == 302
    assert client.get(ADMIN).url.startswith(SET_UP)
    call_command("let_in", "owner", "--reset-second-factor")
    assert "/admin/sign-in/link/" in capsys.readouterr().out
    assert owners.get(ADMIN).url.startswith(SET_UP)
    deliver_outbox()
    assert sorted(each.to for each in mail.outbox) == [["merchant@example.com"], ["owner@example.com"]]


def test_it_can_be_removed_only_where_none_is_required(settings):
    user = person()
    client = signed_in(user, with_app(user))
    settings.STAFF_SECOND_FACTOR = True
    assert client.post("/en/admin/sign-in/remove/").status_code == 403
    settings.STAFF_SECOND_FACTOR = False
    assert client.post("/en/admin/sign-in/remove/").status_code == 302
    assert client.get(ADMIN).status_code == 200
    assert not AuthenticatorApp.objects.exists()


def test_who_needs_one(settings):
    settings.STAFF_SECOND_FACTOR = True
    needs = {"merchant": True, "key care": True, "fulfilment": False, "consultant": False}
    for group, is_needed in needs.items():
        user = person(group.replace(" ", "-"), group)
        assert second_factor.is_required(User.objects.get(pk=user.pk)) == is_needed, group
    assert second_factor.is_required(User.objects.create_superuser("owner"))


def test_a_rotation_knows_the_keys_of_apps():
    assert "shop.AuthenticatorApp.key" in map(str, rotation.sealed_columns())


def test_the_colon_of_the_qr_code_is_one(settings):
    settings.SHOP_NAME = {"en": "Cloud & Ink", "zh-hant": "x"}
    uri = second_factor.uri(with_app(person()))
    assert uri.startswith("otpauth://totp/Cloud%20%26%20Ink:merchant?secret=")
    assert "&issuer=Cloud%20%26%20Ink&" in uri
