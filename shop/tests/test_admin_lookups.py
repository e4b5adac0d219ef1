"""What can be asked of an admin's list by its address: what the list offers, and whatever it is, no 500."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.urls import reverse

from shop.tests.harness.effort import times
from shop.web.admin_site import COMPARISONS

ADMINS = sorted(admin.site._registry.items(), key=lambda pair: pair[0]._meta.label)
ODD = ["(", "x", "[", "99999999999999999999", "2026-13-45", "\0", "\U0001f600"]
ENDS = ["", "__exact", "__gte", "__isnull", "__in", "__year"]


def paths(model):
    """Every column of the row, and of the rows that it leads to."""
    for field in model._meta.get_fields():
        if not hasattr(field, "attname"):
            continue
        yield field.name, field
        if field.related_model:
            for other in field.related_model._meta.concrete_fields:
                yield f"{field.name}__{other.name}", other


def listed(site_admin):
    names = [each[0] if isinstance(each, tuple) else each for each in site_admin.list_filter]
    names += [site_admin.date_hierarchy, *getattr(site_admin, "more_lookups", ())]
    return {name for name in names if isinstance(name, str)}


@pytest.fixture
def boss(client, db):
    user = User.objects.create_superuser("boss", "boss@shop.example", "x")
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def asking(boss):
    request = RequestFactory().get("/")
    request.user = User.objects.get()
    return request


def test_no_list_is_asked_for_what_it_does_not_offer(asking):
    """Django lets a row's own columns be asked for in every way: a secret letter by letter."""
    allowed = [
        (site_admin, path, lookup)
        for model, site_admin in ADMINS
        for path, field in paths(model)
        for lookup in {*field.get_lookups(), *COMPARISONS, "exact__regex"}
        if site_admin.lookup_allowed(f"{path}__{lookup}", "x", asking)
    ]
    assert allowed
    for site_admin, path, lookup in allowed:
        assert path.removesuffix("__id") in listed(site_admin), (site_admin, path)
        assert lookup in COMPARISONS
    secrets = {"token", "lookup", "sealed", "body", "password", "headers", "draft", "submission_digest"}
    assert not secrets & {part for _, path, _ in allowed for part in path.split("__")}


@pytest.mark.parametrize(("model", "site_admin"), ADMINS, ids=[model._meta.label for model, _ in ADMINS])
def test_whatever_the_address_says_the_answer_is_no_500(boss, model, site_admin):
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert boss.get(page).status_code == 200
    names = [f"{name}{end}" for name in listed(site_admin) for end in ENDS]
    names += [each.parameter_name for each in site_admin.list_filter if hasattr(each, "parameter_name")]
    for number, name in enumerate(names):
        assert boss.get(page, {name: ODD[number % len(ODD)]}).status_code < 500, name
    refused = [
        path for path, field in paths(model) if path not in listed(site_admin) and not field.is_relation
    ]
    for path in refused[:: times(9, 1)]:  # the test above asks them all without a page
        assert boss.get(page, {f"{path}__iregex": "("}).status_code == 400, path


def test_the_links_of_our_own_pages_are_allowed(asking):
    """Those of money health; filters and dates write theirs themselves."""
    by_name = {model._meta.model_name: site_admin for model, site_admin in ADMINS}
    assert by_name["payment"].lookup_allowed("problem", "x", asking)
    assert by_name["gatewayevent"].lookup_allowed("is_verified__exact", "0", asking)
    assert by_name["order"].lookup_allowed("placed_at__month", "1", asking)
    assert by_name["case"].lookup_allowed("consultant__id__exact", "1", asking)
