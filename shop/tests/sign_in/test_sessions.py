"""The session of staff ends after 30 minutes without a page and after 8 hours; the cart stays."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from checkout.tests.scenes import add, make_cart, make_goods, place
from shop.tests.sign_in.scenes import ADMIN, moved, person, sign_in

__all__ = ["moved"]
pytestmark = pytest.mark.django_db


def is_in(client):
    return client.get(ADMIN).status_code == 200


def test_idle_for_half_an_hour(moved):
    person()
    client = Client()
    sign_in(client)
    moved(minutes=29)
    assert is_in(client)
    moved(minutes=29)
    assert is_in(client)
    moved(minutes=31)
    assert not is_in(client)
    assert not is_in(client)


def test_after_eight_hours_however_busy(moved):
    person()
    client = Client()
    sign_in(client)
    for _ in range(24):
        assert is_in(client)
        moved(minutes=20)
    moved(minutes=1)
    assert not is_in(client)


@pytest.mark.parametrize("how", ["signs out", "is signed out"])
def test_the_cart_outlives_it(moved, how):
    person()
    client = Client()
    add(client, make_goods(), 2)
    cart = client.cookies["session"].value
    sign_in(client)
    assert client.cookies["session"].value == cart
    assert client.cookies["staff"].value != cart
    if how == "signs out":
        client.post("/en/admin/logout/")
    else:
        moved(hours=9)
    assert not is_in(client)
    assert 'value="2"' in client.get("/en/cart/").content.decode()
    assert Session.objects.count() == 1


def test_the_cookie_of_staff(settings):
    person()
    client = Client()
    sign_in(client)
    cookie = client.cookies["staff"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == 8 * 3600


def test_a_shoppers_session_opens_nothing_to_staff():
    """Also one of before, when both were one."""
    user = person()
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    client.cookies["session"] = client.cookies.pop("staff").value
    assert not is_in(client)


def test_a_session_without_its_times_is_none():
    user = person()
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    session = client.session.__class__(client.cookies["staff"].value)
    del session["signed_in_at"]
    session.save()
    assert not is_in(client)


def test_a_visitor_of_the_sign_in_page_gets_no_session():
    client = Client()
    client.get("/en/admin/login/")
    assert "staff" not in client.cookies
    assert not Session.objects.exists()


def test_a_rotated_secret_signs_nobody_out_who_opens_a_page_of_the_shop_first(settings):
    """That page only asks who of the staff looks: a new name of their session would reach no cookie."""
    person()
    client = Client()
    sign_in(client)
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a-new-secret-of-this-test-0123456789", [old]
    order = place(make_cart((make_goods(), 1)))
    assert client.get(order.get_absolute_url()).status_code == 200
    assert is_in(client)
    assert Session.objects.count() == 1
