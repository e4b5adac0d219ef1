"""Whoever may not work here any more is out at the next click, in whichever browser they were signed in."""

import copy

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from shop.admin.staff_groups import make_groups

PAGE = "/en/admin/checkout/order/"


@pytest.fixture
def merchant(db):
    make_groups()
    user = User.objects.create_user("mei", "mei@shop.example", "kettle-anchor-violet-9", is_staff=True)
    user.groups.add(Group.objects.get(name="merchant"))
    return user


@pytest.fixture
def signed_in(merchant):
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(merchant)
        assert browser.get(PAGE).status_code == 200
    return browsers


def disabled(merchant):
    User.objects.filter(pk=merchant.pk).update(is_active=False)


def given_another_password(merchant):
    merchant.set_password("saucer-lantern-copper-4")
    merchant.save(update_fields=["password"])


def deleted(merchant):
    merchant.delete()


def not_of_the_staff(merchant):
    User.objects.filter(pk=merchant.pk).update(is_staff=False)


@pytest.mark.parametrize("what", [disabled, given_another_password, deleted, not_of_the_staff])
def test_every_session_ends_with_the_right_to_it(merchant, signed_in, what):
    what(merchant)
    for browser in signed_in:
        answer = browser.get(PAGE)
        assert (answer.status_code, answer.get("Location", "").partition("?")[0]) == (302, "/en/admin/login/")


def test_a_session_that_was_signed_out_is_no_session_any_more(merchant, signed_in):
    browser, _ = signed_in
    copied = Client()
    copied.cookies = copy.deepcopy(browser.cookies)
    assert copied.get(PAGE).status_code == 200
    browser.post("/en/admin/logout/")
    assert copied.get(PAGE).status_code == 302


def test_a_long_password_counts_to_its_last_sign(merchant):
    long = "  Tee  und 茶 und Tinte, " * 6 + "!"
    merchant.set_password(long)
    merchant.save(update_fields=["password"])
    page = "/en/admin/login/"
    assert Client().post(page, {"username": "mei", "password": long[:-1]}).status_code == 200
    assert Client().post(page, {"username": "mei", "password": long.strip()}).status_code == 200
    assert Client().post(page, {"username": "mei", "password": long}).status_code == 302


def test_a_permission_that_was_taken_is_gone_at_the_next_click(merchant, signed_in):
    merchant.groups.clear()
    assert [browser.get(PAGE).status_code for browser in signed_in] == [403, 403]
