"""No way leads to an order key, a report, an answer or a client's file: for none of the staff whose case it
is not, and for no stranger who has the order's link and knows its e-mail address.
"""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from checkout import order_access
from consulting import access
from consulting.tests import scenes
from shop.admin import staff_groups
from shop.tests.harness import effort, links
from shop.tests.harness.access import world as worlds

pytestmark = pytest.mark.django_db
STAFF = [*staff_groups.GROUPS, "superuser"]
LANGUAGES = ["en", "zh-hant"] if effort.IS_FULL else ["en"]
ALIKE = 6 if effort.IS_FULL else 1


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return worlds.make()


def secrets_of(world) -> dict[str, list[str]]:
    return {what: words for what, (words, _who) in world.secrets.items() if what != "the buyer"}


def somebody(group: str) -> Client:
    """A member of the group who has nothing to do with the order; with "", a stranger."""
    browser = Client(raise_request_exception=False)
    if group:
        person = User.objects.create_user(
            f"new-{User.objects.count()}", is_staff=True, is_superuser=group == "superuser"
        )
        person.groups.set(Group.objects.filter(name=group))
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def walked(world, group: str, language: str = "en") -> links.Walk:
    """From the pages of the staff, and with what staff know: an order's link and its e-mail address."""
    with override(language):
        starts = [reverse("catalog:home"), *(order.get_absolute_url() for order in (world.order, world.late))]
        if group:
            starts = [reverse("admin:index"), reverse("consulting:cases"), *starts]
        starts += _known_addresses(world)
    knows = {"checkout:order": {"email": scenes.EMAIL}}
    return links.walk(
        somebody(group), starts, secrets_of(world), knows=knows, alike=ALIKE, with_queries=effort.IS_FULL
    )


def _known_addresses(world) -> list[str]:
    """Whoever has the link knows the pages beside it, and counts up the numbers in their addresses."""
    names = ["checkout:details", "checkout:file", "checkout:privacy", "payments:pay", "consulting:case"]
    names += ["consulting:version", "consulting:report_file", "consulting:file", "consulting:case_messages"]
    names += ["admin:view_on_site"]
    return [worlds.path_of(world, name, each) for name, each in worlds.doors() if name in names]


def test_no_way_leads_to_a_secret(world):
    """One world for all of them: to make it costs as much as to walk through it."""
    for language in LANGUAGES:
        for group in ("", *STAFF):
            done = walked(world, group, language)
            assert [(what, done.path_to(address)) for what, address in done.leaks] == [], group
            assert done.pages["checkout:order"], "the order was looked at"
            assert not group or len(done.pages) > 12, done.pages


PLANTED = {  # a guard that is taken out -> whose walk finds it, and what
    "the order key": ("", (order_access, "is_just_placed_here", order_access.is_granted)),
    "the answers": ("merchant", (order_access, "is_just_placed_here", order_access.is_granted)),
    "the report": ("consultant", (access, "is_assigned", lambda user, case: True)),
}


def test_the_walk_finds_a_way_that_is_open(world, monkeypatch):
    for what, (group, (module, guard, open_door)) in PLANTED.items():
        with monkeypatch.context() as patch:
            patch.setattr(module, guard, open_door)
            assert what in {told for told, _address in walked(world, group).leaks}, what


def test_the_redirect_page_of_the_admin_is_gone():
    """It told any member of staff the link of any order, by its number."""
    order = scenes.paid_order(subjects=1)
    kind = ContentType.objects.get_for_model(order)
    for group in ("", "superuser"):
        assert somebody(group).get(reverse("admin:view_on_site", args=[kind.pk, order.pk])).status_code == 404


def test_no_page_of_the_admin_leads_to_a_page_of_the_shop():
    leading = [
        type(each).__name__
        for model, each in admin.site._registry.items()
        for shown in (each, *(inline(model, admin.site) for inline in each.inlines))
        if hasattr(shown.model, "get_absolute_url") and shown.view_on_site
    ]
    assert leading == []
