"""A session that cannot be saved: because the database has no room, or because it is gone."""

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError, connection

from checkout.tests.scenes import add, make_goods
from shop.tests.harness.stores import LANGUAGES, assert_page_says_so
from shop.web.sessions import SessionStore

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
