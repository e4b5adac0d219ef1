"""Whatever page of the staff's somebody asks for, the audit trail knows: a new view is met by this walk."""

import copy

import pytest
from django.db import transaction

from shop.audit import middleware, subjects
from shop.models import AuditEntry
from shop.tests.harness.access import world as access_world

pytestmark = pytest.mark.django_db
MAY_BE_OF_NONE = {"shop.outboxmessage", "payments.gatewayevent"}
# Pages of their own entries; the first is shut for everybody.
SIGNING_IN = {"admin:view_on_site", "admin:login", "admin:logout", "admin:password_change"}


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


def entries_of(world, role, name, door, method):
    """What a request leaves in the trail, of which nothing stays."""
    browser = copy.copy(world.browsers[role])
    browser.cookies = copy.deepcopy(browser.cookies)
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with transaction.atomic():
        getattr(browser, method)(access_world.path_of(world, name, door))
        found = list(AuditEntry.objects.filter(pk__gt=before, page=name, actor=role))
        transaction.set_rollback(True)
    return found


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
            parts = set(door.pattern.regex.groupindex) - {"app_label", "content_type_id"}
            if parts and not (entry.subject and entry.subject_id):
                problems.append(f"{name}: it is not told what {method} was about")
            is_of_one = subjects.is_of_an_order(entry.subject) and entry.subject not in MAY_BE_OF_NONE
            if is_of_one and not entry.order_number:
                problems.append(f"{name}: it is not told whose {entry.subject} this was")
    assert problems == [], "\n".join(problems)


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
