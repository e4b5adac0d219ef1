"""A session that cannot be saved: because the database has no room, or because it is gone."""

import datetime as dt
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from checkout.tests.scenes import add, make_goods
from shop.tests.harness.stores import LANGUAGES, assert_page_says_so
from shop.web import middleware
from shop.web.sessions import FIRST_LIFE, SessionStore

pytestmark = pytest.mark.django_db(transaction=True)

FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON django_session FOR EACH ROW EXECUTE FUNCTION no_room()
"""


@pytest.fixture
def no_room(transactional_db):
    """``no_room()``: from now on no session can be written."""

    def fill():
        with connection.cursor() as cursor:
            cursor.execute(FULL)

    yield fill
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS no_room CASCADE")


@pytest.mark.failure("F18")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cart_that_cannot_be_saved_is_a_busy_shop_and_keeps_what_it_held(visitor, no_room, language):
    tea = make_goods()
    add(visitor, tea, 2)
    no_room()
    path = f"/{language}/cart/add/"
    assert_page_says_so(visitor.post(path, {"variant": tea.pk, "quantity": 1}), language)
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION no_room CASCADE")
    assert 'value="2"' in visitor.get("/en/cart/").content.decode()


@pytest.mark.failure("F18")
def test_a_session_without_room_is_told_from_one_that_is_gone(no_room):
    session = SessionStore()
    session["a"] = 1
    session.save()
    gone = SessionStore(session.session_key)
    gone.load()
    session.delete()
    with pytest.raises(UpdateError):
        gone.save()
    other = SessionStore()
    other.save()
    no_room()
    with pytest.raises(DatabaseError):
        other.save()


# --- clicks of programs that keep no cookie ---


def lives_for(row: Session) -> dt.timedelta:
    return row.expire_date - timezone.now()


def test_a_session_is_short_until_its_cookie_comes_back(client):
    tea = make_goods()
    for _ in range(3):
        add(Client(), tea)
    assert all(lives_for(row) <= FIRST_LIFE for row in Session.objects.all())
    add(client, tea)
    row = Session.objects.get(pk=client.session.session_key)
    assert lives_for(row) <= FIRST_LIFE
    add(client, tea)
    row.refresh_from_db()
    assert lives_for(row) > dt.timedelta(days=29)


def test_a_browser_that_only_looks_on_keeps_its_cart(client):
    tea = make_goods()
    add(client, tea)
    row = Session.objects.get()
    client.get(tea.product.get_absolute_url())
    assert Session.objects.get().expire_date == row.expire_date, "a look writes nothing"
    Session.objects.update(expire_date=timezone.now() + dt.timedelta(hours=1))
    client.get(tea.product.get_absolute_url())
    assert lives_for(Session.objects.get()) > dt.timedelta(days=29)


def test_those_of_staff_last_as_they_are_set(client):
    user = User.objects.create_user("mei", password="x", is_staff=True)
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert lives_for(Session.objects.get()) > FIRST_LIFE


def test_a_network_begins_so_many_and_those_who_have_one_go_on(client, monkeypatch):
    monkeypatch.setattr(middleware, "NEW_SESSIONS", replace(middleware.NEW_SESSIONS, limit=3))
    tea = make_goods()
    add(client, tea)
    for _ in range(2):
        add(Client(), tea)
    answer = Client().post("/en/cart/add/", {"variant": tea.pk, "quantity": 1})
    assert answer.status_code == 429
    assert "Too many new visitors from your network" in answer.content.decode()
    assert "has been added" not in answer.content.decode()
    assert 0 < int(answer["Retry-After"]) <= 16 * 60
    assert Session.objects.count() == 3
    add(client, tea)
    add(Client(REMOTE_ADDR="198.51.100.7"), tea)


def test_what_is_over_is_deleted_by_the_hourly_job():
    add(Client(), make_goods())
    Session.objects.update(expire_date=timezone.now() - dt.timedelta(minutes=1))
    call_command("forget")
    assert not Session.objects.exists()
