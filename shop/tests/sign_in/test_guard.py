"""Every staff page there is: none opens before the second factor, and grave ones ask for it again."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client, RequestFactory

from consulting.models import OrderKey
from consulting.tests import scenes as consulting_scenes
from shop.admin.sign_in import sessions
from shop.tests.harness.access import world as world_of
from shop.tests.sign_in.scenes import ADMIN, code_of, moved, person, sign_in, signed_in, with_app

__all__ = ["moved"]
pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
BEFORE = {"admin:login", "admin:logout", "sign_in:code", "sign_in:set_up", "sign_in:send_link"}
BEFORE |= {"sign_in:link_sent", "sign_in:use_link"}
AGAIN = {
    "admin:shop_approvalrequest_decide",
    *(f"admin:auth_{model}_{deed}" for model in ("user", "group") for deed in ("add", "change", "delete")),
    "admin:auth_user_password_change",
    "admin:checkout_order_correct",
    "admin:checkout_order_mailbox",
    "admin:consulting_orderkey_deed",
    "admin:payments_money_repair",
    "admin:payments_payment_decide",
    "admin:payments_refund_explain",
    "admin:payments_refund_order",
    "admin:payments_refund_retry",
    "admin:payments_return_payment",
    "sign_in:recovery_codes",
    "sign_in:remove",
    "sign_in:reset",
    "sign_in:set_up",
}
TO_ACT = {"admin:auth_user_changelist", "admin:auth_group_changelist"}  # looked at without being asked
# Lists with actions next to pages that ask: what they do moves nothing.
HARMLESS = {"admin:payments_payment_changelist": {"ask_gateway"}}


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return world_of.make()


def staff_pages(world):
    for name, pattern in world_of.doors():
        path = world_of.path_of(world, name, pattern)
        if sessions.is_staff_path(path):
            yield name, path


def test_no_staff_page_opens_before_the_second_factor(world, settings):
    """And all of them lie where their session is known, and the guard stands."""
    settings.STAFF_SECOND_FACTOR = True
    with_one = User.objects.create_superuser("with-one")
    with_app(with_one)
    half = {"code": Client(), "set-up": Client()}
    half["code"].force_login(with_one, BACKEND)
    half["set-up"].force_login(User.objects.create_superuser("without"), BACKEND)
    seen = 0
    for name, pattern in world_of.doors():
        path = world_of.path_of(world, name, pattern)
        is_staffs = name.startswith(("admin:", "sign_in:")) or ".workspace." in pattern.callback.__module__
        assert sessions.is_staff_path(path) == is_staffs, name
        if not is_staffs or name in BEFORE:
            continue
        for where, method in [("code", "get"), ("code", "post"), ("set-up", "get")]:
            answer = getattr(half[where], method)(path)
            assert answer.status_code == 302, (name, method)
            assert answer.url.startswith(f"/en/admin/sign-in/{where}/"), (name, method)
            seen += 1
    assert seen > 300


def test_pages_outside_the_staffs_folders_find_nobody_signed_in():
    """A staff view put elsewhere opens to nobody: it is met here by not working at all."""
    client = signed_in(User.objects.create_superuser("owner"))
    for path in ("/en/", "/en/cart/", "/en/help/", "/en/report/"):
        page = client.get(path)
        assert not page.wsgi_request.user.is_authenticated, path


def test_nothing_else_is_called_a_door():
    marked = {
        name for name, pattern in world_of.doors() if getattr(pattern.callback, "before_second_factor", False)
    }
    assert marked | {"admin:login", "admin:logout"} == BEFORE


def test_what_asks_again_is_all_that_moves_money_keys_mailboxes_or_accounts():
    """A new page whose name says so has to be marked, or told here why not."""
    marks = {name: getattr(pattern.callback, "asks_again", False) for name, pattern in world_of.doors()}
    assert {name for name, mark in marks.items() if mark is True} == AGAIN
    assert {name for name, mark in marks.items() if mark == "POST"} == TO_ACT
    grave = ("refund", "orderkey_deed", "return_payment", "repair", "decide", "correct", "mailbox", "auth_")
    looks = (
        "changelist",
        "history",
        "payments_refund_change",
        "payments_refund_add",
        "payments_refund_delete",
    )
    by_name = {
        name
        for name, _pattern in world_of.doors()
        if name.startswith("admin:") and any(word in name for word in grave) and not name.endswith(looks)
    }
    assert by_name - AGAIN == set()


def test_no_list_does_at_once_what_a_page_asks_again_for(world):
    """Where a page about one row asks again, the actions on many do as well, or are told here to be harmless;
    what is deleted alone only after a code is not deleted by the dozen.
    """
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="superuser")
    for model, page in admin.site._registry.items():
        model_pages = f"admin:{model._meta.app_label}_{model._meta.model_name}_"
        actions = set(page.get_actions(request))
        if not any(name.startswith(model_pages) for name in AGAIN):
            continue
        if f"{model_pages}delete" in AGAIN:
            assert "delete_selected" not in actions, model
            assert f"{model_pages}changelist" in TO_ACT
        if f"{model_pages}changelist" not in TO_ACT:
            assert actions <= HARMLESS.get(f"{model_pages}changelist", set()), model


def test_accounts_and_groups_are_not_deleted_on_their_lists(moved):
    owner, other = User.objects.create_superuser("owner"), person("packer", "fulfilment")
    app = with_app(owner)
    client = signed_in(owner, app)
    for is_late in (False, True):
        for model, row in (("user", other), ("group", other.groups.get())):
            url = f"/en/admin/auth/{model}/"
            assert client.get(url).status_code == 200
            chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
            answer = client.post(url, chosen)
            assert (answer.status_code == 403) == is_late
            assert type(row).objects.filter(pk=row.pk).exists()
        moved(minutes=11)


def test_grave_pages_ask_again_after_ten_minutes(world, moved):
    owner = User.objects.create_superuser("owner")
    app = with_app(owner)
    client = signed_in(owner, app)
    fresh = {name: client.get(path).status_code for name, path in staff_pages(world) if name in AGAIN}
    assert all(status != 403 for status in fresh.values()), fresh
    moved(minutes=11)
    for name, path in staff_pages(world):
        for method in ("get", "post"):
            if name not in (AGAIN if method == "get" else AGAIN | TO_ACT):
                continue
            page = getattr(client, method)(path)
            assert page.status_code == 403, (name, method)
            assert 'name="second_factor_code"' in page.content.decode(), (name, method)


def test_what_was_typed_goes_on_with_the_code(deliver_outbox, moved):
    order = consulting_scenes.paid_order()
    user = person("keeper", "key care")
    app = with_app(user)
    client = signed_in(user, app)
    order_key = OrderKey.objects.get(order=order)
    url = f"/en/admin/consulting/orderkey/{order_key.pk}/do/readdress/"
    assert client.get(url).status_code == 200
    moved(minutes=11)
    page = client.post(url, {"email": "new@example.com"})
    text = page.content.decode()
    assert page.status_code == 403
    assert '<input type="hidden" name="email" value="new@example.com">' in text
    wrong = client.post(url, {"email": "new@example.com", "second_factor_code": "000000"})
    assert wrong.status_code == 403
    assert 'value="new@example.com"' in wrong.content.decode()
    order.refresh_from_db()
    assert order.email != "new@example.com"
    done = client.post(url, {"email": "new@example.com", "second_factor_code": code_of(app)})
    assert done.status_code == 302
    order.refresh_from_db()
    assert order.email == "new@example.com"


def test_asked_for_a_page_the_code_leads_to_the_page(moved):
    owner = User.objects.create_superuser("owner")
    app = with_app(owner)
    client = signed_in(owner, app)
    moved(minutes=11)
    url = "/en/admin/auth/user/add/?x=1"
    page = client.get(url)
    assert 'name="second_factor_page" value="1"' in page.content.decode()
    answer = client.post(url, {"second_factor_page": "1", "second_factor_code": code_of(app)})
    assert answer.url == url
    assert client.get(url).status_code == 200


def test_passwords_are_not_written_into_the_page(moved):
    owner = User.objects.create_superuser("owner")
    client = signed_in(owner, with_app(owner))
    moved(minutes=11)
    page = client.post(
        "/en/admin/auth/user/add/", {"username": "new", "password1": "canary", "password2": "canary"}
    )
    assert b"canary" not in page.content
    assert b'name="username" value="new"' in page.content


def test_without_a_second_factor_a_password_is_enough_as_before():
    person()
    client = Client()
    assert sign_in(client).url == ADMIN
    assert client.get(ADMIN).status_code == 200
    assert not mail.outbox
