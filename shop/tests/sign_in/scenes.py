"""People who sign in, with an app of their own, and the shop's clock to move."""

import base64
import datetime as dt
import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.oath import totp

from shop import clock, crypto
from shop.admin import staff_groups
from shop.admin.sign_in import second_factor
from shop.models import AuthenticatorApp

PASSWORD = "tortoise lamp violet"
LOGIN, ADMIN = "/en/admin/login/", "/en/admin/"


def person(name="merchant", group="merchant", **details):
    staff_groups.make_groups()
    details = {"email": f"{name}@example.com", "is_staff": True, **details}
    user = User.objects.create_user(name, password=PASSWORD, **details)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def with_app(user):
    """The app of the person; the codes are those of ``code_of``."""
    return AuthenticatorApp.objects.create(
        user=user, key=crypto.seal_bytes(b"k" * 20), added_at=clock.now(), confirmed=True
    )


def code_of(app, steps=0):
    at = int(clock.now().timestamp()) + steps * second_factor.STEP
    return f"{totp(crypto.open_sealed_bytes(app.key), t0=clock_zero(at)):06d}"


def clock_zero(at):
    """django-otp asks the machine's clock: shift its zero so that it computes the code of ``at``."""
    import time

    return int(time.time()) - at


def sign_in(client, name="merchant", password=PASSWORD, **details):
    return client.post(LOGIN, {"username": name, "password": password, "next": ADMIN}, **details)


def give_code(client, code, **details):
    return client.post("/en/admin/sign-in/code/", {"code": code}, **details)


def signed_in(user, app=None):
    """A browser in which the person is signed in, with a code just given."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    if app:
        assert give_code(client, code_of(app)).status_code == 302
    return client


def key_on(page):
    text = re.search(r'class="key-text">([A-Z2-7 ]+)<', page.content.decode()).group(1)
    return base64.b32decode(text.replace(" ", ""))


@pytest.fixture
def moved(monkeypatch):
    """``moved(minutes=31)``: the shop's clock goes on by so much."""
    real, offset = clock.now, [dt.timedelta(0)]
    monkeypatch.setattr(clock, "now", lambda: real() + offset[0])

    def move(**how_far):
        offset[0] += dt.timedelta(**how_far)

    return move
