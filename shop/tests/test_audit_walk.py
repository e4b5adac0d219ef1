"""Whatever page of the staff's somebody asks for, the audit trail knows: a new view is met by this walk."""

import copy
import itertools
from urllib.parse import parse_qsl

import pytest
from django.contrib import admin
from django.db import transaction
from django.db.models import AutoField, BigAutoField
from django.urls import reverse

from checkout.models import Order
from consulting.client import overview
from shop.audit import middleware, subjects, trail
from shop.models import AuditEntry
from shop.tests.harness.access import world as access_world

pytestmark = pytest.mark.django_db
MAY_BE_OF_NONE = {"shop.outboxmessage", "payments.gatewayevent"}
# Pages of their own entries; the first two are shut for everybody.
SIGNING_IN = {
    "admin:view_on_site", "admin:autocomplete", "admin:login", "admin:logout", "admin:password_change"
}  # fmt: skip


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return access_world.make()


def staff_doors():
    for name, door in access_world.doors():
        module = getattr(door.callback, "__module__", "")
        is_staffs = name.startswith("admin:") or module.startswith("consulting.workspace")
        if is_staffs and name not in SIGNING_IN | middleware.UNTOLD:
            yield name, door


def parts_of(door):
    """Of its address, those that name what the page is about."""
    return set(door.pattern.regex.groupindex) - {"app_label", "content_type_id"}


def entries_of(world, role, name, door, method, odd=""):
    """What a request leaves in the trail, of which nothing stays."""
    return left_by(world, role, name, door, method, odd)[0]


def left_by(world, role, name, door, method, odd=""):
    """The entries, and whether the client reads of it. ``odd`` is sent in the address and in the form."""
    browser = copy.copy(world.browsers[role])
    browser.cookies = copy.deepcopy(browser.cookies)
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with transaction.atomic():
        path = access_world.path_of(world, name, door)
        getattr(browser, method)(f"{path}?{odd}", dict(parse_qsl(odd)) if method == "post" else None)
        found = list(AuditEntry.objects.filter(pk__gt=before, page=name, actor=role))
        orders = Order.objects.filter(number__in=[entry.order_number for entry in found])
        told = [line.who for order in orders for line in overview.access_log(order)]
        transaction.set_rollback(True)
    return found, "The shop's staff" in told


def test_every_request_of_the_staff_leaves_one_entry_that_names_what_it_was_about(world):
    problems = []
    for name, door in staff_doors():
        role = "superuser" if name.startswith("admin:") else "assigned"
        for method in ("get", "post"):
            entries = entries_of(world, role, name, door, method)
            if len(entries) != 1:
                problems.append(f"{name}: {method} by {role}: {len(entries)} entries")
                continue
            entry = entries[0]
            if parts_of(door) and not (entry.subject and entry.subject_id):
                problems.append(f"{name}: it is not told what {method} was about")
            is_of_one = subjects.is_of_an_order(entry.subject) and entry.subject not in MAY_BE_OF_NONE
            if is_of_one and not entry.order_number:
                problems.append(f"{name}: it is not told whose {entry.subject} this was")
    assert problems == [], "\n".join(problems)


# Words that lists, forms and other pages understand: here they are to change nothing.
ODD = "q=x&action=deliver_now&_selected_action=1&index=0&_popup=1&e=1&p=1&o=1&all=&show=open&seen=x&deed=list"


def test_no_parameter_hides_what_was_looked_at_from_the_trail_or_from_the_client(world):
    """On a page about something, the same is told whatever is sent with it; of all that showed anything of an
    order, its client reads.
    """
    problems, shown = [], 0
    doors = [(name, door) for name, door in staff_doors() if parts_of(door)]
    for (name, door), method in itertools.product(doors, ("get", "post")):
        role = "superuser" if name.startswith("admin:") else "assigned"
        (entry,), is_told = left_by(world, role, name, door, method, ODD)
        usual = {"get": {"look"}, "post": {"sent", "gateway"}}[method] | {"denied"}
        if entry.deed not in usual or (entry.deed == "denied" and entry.status != 403):
            problems.append(f"{name}: {method} is told as {entry.deed}")
        if "search" in entry.detail or not entry.subject_id:
            problems.append(f"{name}: {method}: {entry.subject_id}, {entry.detail}")
        is_shown = entry.status == 200 and bool(entry.order_number)
        shown += is_shown
        if is_shown != is_told:
            problems.append(f"{name}: {method}: shown {is_shown}, told {is_told}")
    assert problems == [], "\n".join(problems)
    assert shown > 30


SPELLINGS = [
    "+{}",
    "0{}",
    "0" * 45 + "{}",
    " {}",
    "{} ",
    "{}_0A",
    "{}.0",
    "_{}",
    "{}\u0660",
]  # "_0A" ends a line


def test_a_row_has_one_address_so_that_whoever_looks_is_found_by_its_number(world):
    """Django reads most of these as the number: the trail would name another row, or none of an order."""
    browser, found = world.browsers["superuser"], {}
    for name, door in staff_doors():
        for part in {"object_id", "id"} & parts_of(door):
            number = access_world.part_of(world, name, part)
            for spelling in SPELLINGS:
                answer = browser.get(reverse(name, kwargs={part: spelling.format(number)}))
                found[name, spelling] = answer.status_code
    assert {door: status for door, status in found.items() if status != 404} == {}
    assert len(found) > 300
    assert {type(model._meta.pk) for model in admin.site._registry} <= {AutoField, BigAutoField}


def test_a_search_is_told_however_a_list_is_asked(world):
    for method in ("get", "post"):
        getattr(world.browsers["fulfilment"], method)("/en/admin/checkout/order/?q=Mei+Chan")
        told = AuditEntry.objects.order_by("-pk").values_list("detail", flat=True).first()
        assert f"search {trail.search_digest('mei chan')}" in told, method


def test_the_client_reads_who_of_the_staff_looked_and_not_twice_within_the_hour(world):
    order = world.order
    for _ in range(2):
        world.browsers["merchant"].get(f"/en/admin/checkout/order/{order.pk}/change/")
    world.browsers["superuser"].get(f"/en/admin/payments/payment/{world.parts['payment_id']}/change/")
    world.browsers["fulfilment"].get(order.get_absolute_url())
    world.browsers["fulfilment"].get(f"/en/admin/payments/payment/{world.parts['payment_id']}/change/")  # 403
    page = " ".join(world.browsers["unlocked"].get("/en/report/order/access/").content.decode().split())
    assert page.count("The shop&#x27;s staff") == 3
    for words in ("Order opened", "Payment opened", "Your own page of the order opened"):
        assert page.count(words) == 1
    other = world.browsers["other"].get("/en/report/order/access/").content.decode()
    assert "The shop&#x27;s staff" not in other
