"""Groups, their permissions, and the people of the demo."""

import stat

import pytest
from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from shop.admin import staff_groups
from shop.admin.stale_forms import NoStaleForms
from shop.tests.harness.failures import APPS


def names(permissions):
    return {f"{app}.{name}" for app, name in permissions.values_list("content_type__app_label", "codename")}


@pytest.fixture
def logins(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(staff_groups, "_LOGINS", tmp_path / "demo-logins.txt")
    return tmp_path / "demo-logins.txt"


def test_every_permission_named_here_exists(db):
    known = names(Permission.objects)
    for name, permissions in staff_groups.GROUPS.items():
        assert set(permissions) <= known, name


def test_groups_have_exactly_their_permissions_also_the_second_time(db):
    staff_groups.make_groups()
    group = Group.objects.get(name="fulfilment")
    group.permissions.add(Permission.objects.get(codename="delete_order"))
    staff_groups.make_groups()
    held = names(group.permissions)
    assert held == set(staff_groups.GROUPS["fulfilment"])


def test_merchant_and_packer_may_open_neither_answers_nor_reports():
    for name in ("merchant", "fulfilment"):
        assert not [each for each in staff_groups.GROUPS[name] if each.endswith(("_intake", "_report"))]


def test_the_demos_people_can_sign_in_with_what_the_file_says(db, logins, rf):
    staff_groups.make_groups()
    assert staff_groups.make_demo_staff()
    assert stat.S_IMODE(logins.stat().st_mode) == 0o600
    for name, password in staff_groups.demo_logins().items():
        user = authenticate(rf.post("/"), username=name, password=password)
        assert user.is_staff
        assert not user.is_superuser
        assert [group.name for group in user.groups.all()] == [name]
    assert User.objects.get(username="consultant").get_full_name() == "林懷硯 Lam Wai-yin"


def test_seeding_again_changes_nothing(db, logins):
    staff_groups.make_groups()
    staff_groups.make_demo_staff()
    before = logins.read_text(), list(User.objects.values_list("username", "password"))
    assert not staff_groups.make_demo_staff()
    assert (logins.read_text(), list(User.objects.values_list("username", "password"))) == before


def test_a_new_database_gets_the_passwords_that_were_told_before(db, logins, rf):
    staff_groups.make_groups()
    staff_groups.make_demo_staff()
    User.objects.all().delete()
    assert not staff_groups.make_demo_staff()
    assert authenticate(rf.post("/"), username="merchant", password=staff_groups.demo_logins()["merchant"])


def test_a_lost_file_gives_new_passwords(db, logins, rf):
    staff_groups.make_groups()
    staff_groups.make_demo_staff()
    logins.unlink()
    assert staff_groups.make_demo_staff()
    assert authenticate(rf.post("/"), username="merchant", password=staff_groups.demo_logins()["merchant"])


def test_production_is_never_seeded(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="not for production"):
        call_command("seed_demo")


def test_no_page_that_edits_rows_overwrites_a_colleague():
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_active=True, is_staff=True)
    bare = [
        model.__name__
        for model, page in admin.site._registry.items()
        if model.__module__.split(".")[0] in APPS
        and page.has_change_permission(request)
        and page.get_form(request).base_fields
        and not isinstance(page, NoStaleForms)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("language", "title"), [("en", "You may not open this page"), ("zh-hant", "您不能開啟此頁面")]
)
def test_who_may_not_open_a_page_of_the_administration_reads_so(client, db, language, title):
    client.force_login(
        User.objects.create_user("lam", is_staff=True), "django.contrib.auth.backends.ModelBackend"
    )
    page = client.get(f"/{language}/admin/checkout/order/")
    assert page.status_code == 403
    assert f"<h1>{title}</h1>" in page.content.decode()
