"""A form of the staff's pages does its work once per page that was seen, however often it is sent."""

import re
import threading

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve, reverse

from catalog.models import Category, StockReceipt, Variant
from checkout.models import Order, Shipment
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, pay, place
from consulting.models import Case, Message
from consulting.reports import services as reports
from consulting.tests import scenes
from shop.audit import trail
from shop.models import AuditEntry, OutboxMessage, SentForm
from shop.tests.harness.access import world as world_of
from shop.web import once

SAFE_TO_REPEAT = {
    "admin:payments_payment_changelist",
    "admin:payments_refund_order",
    "admin:payments_return_payment",
    "admin:payments_refund_explain",
    "admin:payments_refund_retry",
    "admin:payments_money_repair",
    "admin:payments_money_ask",
}
SIGNING_IN = {"admin:login", "admin:logout", "admin:password_change"}
NOT_THERE = {"admin:view_on_site", "admin:autocomplete"}  # 404 for everybody


@pytest.fixture
def merchant(db):
    user = get_user_model().objects.create_superuser("owner", password="x")
    browser = Client()
    browser.force_login(user)
    return browser


def tokens(browser, url) -> list[str]:
    return re.findall(rf'name="{once.FIELD}" value="([^"]+)"', browser.get(url).content.decode())


def paid_order(quantity=2):
    return pay(place(make_cart((make_goods(on_hand=9), quantity))))


def parcel(order, **more):
    line = order.lines.get(ships=True)
    return {"carrier": "sf", "tracking_number": "SF1234567890", f"line_{line.pk}": 1, **more}


def test_every_page_that_staff_send_is_guarded_or_says_why_not(db, settings, tmp_path):
    """The next page that somebody adds is guarded without a word; leaving that is written down here."""
    settings.MEDIA_ROOT = tmp_path
    world = world_of.make()
    open_ones = set()
    for name, pattern in world_of.doors():
        if not name.startswith(("admin:", "consulting:")):
            continue
        match = resolve(world_of.path_of(world, name, pattern))
        request = type("Request", (), {"resolver_match": match})()
        is_staffs = name.startswith("admin:") or match.func.__module__.startswith("consulting.workspace")
        if is_staffs and not once.is_guarded(request, match.func):
            open_ones.add(name)
    assert open_ones == SAFE_TO_REPEAT | SIGNING_IN | NOT_THERE


@pytest.mark.django_db
def test_a_second_press_ships_nothing_and_shows_the_first_result(merchant):
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    token = tokens(merchant, url)[-1]
    first = merchant.post(url, parcel(order, **{once.FIELD: token}))
    second = merchant.post(url, parcel(order, **{once.FIELD: token}), follow=True)
    assert second.redirect_chain[0][0] == first.url
    assert "This was already done, once; here is the result." in second.content.decode()
    assert Shipment.objects.count() == 1
    assert OutboxMessage.objects.filter(topic="mail.order_shipped").count() == 1
    again = {once.FIELD: tokens(merchant, url)[-1]}
    assert merchant.post(url, parcel(order, tracking_number="SF1234567891", **again)).status_code == 302
    assert Shipment.objects.count() == 2, "a new page is a new parcel"


@pytest.mark.django_db
def test_what_staff_change_and_its_entry_in_the_audit_trail_are_true_together(merchant, monkeypatch):
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    token = {once.FIELD: tokens(merchant, url)[-1]}
    with monkeypatch.context() as broken:
        broken.setattr(trail, "record", fail)
        with pytest.raises(RuntimeError):
            merchant.post(url, parcel(order, **token))
    assert not Shipment.objects.exists()
    for _ in range(2):
        merchant.post(url, parcel(order, **token))
    assert Shipment.objects.count() == 1
    entries = AuditEntry.objects.filter(page="admin:checkout_order_ship", status=302)
    assert entries.count() == 2, "the first press and the second"


@pytest.mark.django_db
def test_the_posts_of_a_stranger_leave_no_row(client):
    case = Case.objects.of(scenes.paid_order(subjects=1)).get()
    for number in range(3):
        client.post(reverse("consulting:messages", args=[case.pk]), {once.FIELD: f"token-{number}"})
    assert not SentForm.objects.exists()


@pytest.mark.django_db
def test_who_comes_back_to_the_page_and_types_something_else_is_heard(merchant):
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    token = {once.FIELD: tokens(merchant, url)[-1]}
    for number in ("SF1111222233", "SF3333444455", "SF3333444455"):
        assert merchant.post(url, parcel(order, tracking_number=number, **token)).status_code == 302
    numbers = set(Shipment.objects.values_list("tracking_number", flat=True))
    assert numbers == {"SF1111222233", "SF3333444455"}


@pytest.mark.django_db
def test_what_was_refused_may_be_sent_again(merchant, monkeypatch):
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    token = tokens(merchant, url)[-1]
    assert merchant.post(url, parcel(order, tracking_number="x", **{once.FIELD: token})).status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr(fulfilment.outbox, "publish", fail)
        with pytest.raises(RuntimeError):
            merchant.post(url, parcel(order, **{once.FIELD: token}))
    assert not Shipment.objects.exists()
    assert not SentForm.objects.exists()
    assert merchant.post(url, parcel(order, **{once.FIELD: token})).status_code == 302
    assert Shipment.objects.count() == 1


def fail(*args, **more):
    raise RuntimeError("the process dies here")


@pytest.mark.django_db
def test_what_was_refused_with_a_word_on_the_next_page_may_be_sent_again(merchant):
    """Back, and once more, when the reason is gone: it must not read that it was done."""
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    sent = parcel(order, **{once.FIELD: tokens(merchant, url)[-1]})
    for on_hold, number in ((True, 0), (True, 0), (False, 1), (False, 1)):
        Order.objects.update(on_hold=on_hold)
        page = merchant.post(url, sent, follow=True)
        assert Shipment.objects.count() == number
        if on_hold:
            assert "on hold. Nothing may be shipped." in page.content.decode()
    assert "This was already done, once; here is the result." in page.content.decode()


def test_another_file_of_the_same_name_and_size_is_something_else(rf, django_user_model):
    def key_of(content):
        request = rf.post("/", {"file": SimpleUploadedFile("report.pdf", content)})
        request.user = django_user_model(pk=1)
        key = once._key_of(request, "t")
        assert request.FILES["file"].read() == content
        return key

    assert key_of(b"6 May") == key_of(b"6 May") != key_of(b"7 May")


@pytest.mark.django_db
def test_a_token_is_good_for_its_page_and_person_only(merchant):
    order, other = paid_order(), pay(place(make_cart((Variant.objects.get(), 2)), email="b@example.com"))
    token = {once.FIELD: tokens(merchant, reverse("admin:checkout_order_ship", args=[order.pk]))[-1]}
    for each, number in ((order, "SF1234567890"), (other, "SF1234567891")):
        url = reverse("admin:checkout_order_ship", args=[each.pk])
        merchant.post(url, parcel(each, tracking_number=number, **token))
    colleague = Client()
    colleague.force_login(get_user_model().objects.create_superuser("second", password="x"))
    url = reverse("admin:checkout_order_ship", args=[order.pk])
    colleague.post(url, parcel(order, tracking_number="SF1234567892", **token))
    assert Shipment.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_send_one_parcel(merchant, monkeypatch):
    """Both are in the view's place at the same time; without the row of the first, two parcels leave."""
    order = paid_order()
    url = reverse("admin:checkout_order_ship", args=[order.pk])

    def press_twice():
        token = tokens(merchant, url)[-1]
        start = threading.Barrier(2)

        def press():
            browser = Client()
            browser.cookies = merchant.cookies
            start.wait(10)
            browser.post(url, parcel(order, sure="sf SF1234567890", **{once.FIELD: token}))
            connections.close_all()

        presses = [threading.Thread(target=press) for _ in range(2)]
        for thread in presses:
            thread.start()
        for thread in presses:
            thread.join()
        count = Shipment.objects.count()
        Shipment.objects.all().delete()
        return count

    with monkeypatch.context() as unguarded:
        unguarded.setattr(once, "is_guarded", lambda request, view: False)
        assert press_twice() == 2
    assert press_twice() == 1


@pytest.mark.django_db
def test_rows_and_stock_are_added_once(merchant):
    variant = make_goods(on_hand=5)
    page = merchant.get(reverse("admin:catalog_category_add"))
    typed = {"slug": "new", "name_zh_hant": "新", "name_en": "New", "position": "1"}
    token = {once.FIELD: re.findall(rf'name="{once.FIELD}" value="([^"]+)"', page.content.decode())[-1]}
    for _ in range(2):
        merchant.post(reverse("admin:catalog_category_add"), typed | token)
    assert Category.objects.filter(slug="new").count() == 1
    url = reverse("admin:catalog_product_change", args=[variant.product_id])
    token = tokens(merchant, url)[-1]
    form = change_form(merchant, url) | {once.FIELD: token}
    for _ in range(2):
        assert merchant.post(url, form | {"variants-0-stock_change": "20"}).status_code == 302
    variant.refresh_from_db()
    assert variant.on_hand == 25
    assert StockReceipt.objects.filter(quantity=20).count() == 1


def change_form(browser, url) -> dict[str, str]:
    """What the browser would send of the admin's page as it is."""
    context = browser.get(url).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.initial_forms]
    sent = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is not None and value is not False and value != []:
                sent[field.html_name] = "on" if value is True else value
    return sent


@pytest.mark.django_db
def test_a_message_is_written_once_on_either_side():
    order = scenes.paid_order()
    consultant = scenes.staff("lin", "change_case", "view_case", "change_report")
    case = reports.assign(Case.objects.of(order).first(), consultant)
    desk, client = Client(), Client()
    desk.force_login(consultant)
    scenes.unlock(client, scenes.key_of(order))
    for browser, name in ((desk, "case_messages"), (client, "messages")):
        url = reverse(f"consulting:{name}", args=[case.pk])
        sent = {"text": "Once.", once.FIELD: tokens(browser, url)[-1]}
        assert [browser.post(url, sent).status_code for _ in range(2)] == [302, 302]
    assert Message.objects.count() == 2


def test_a_page_that_changes_nothing_keeps_no_row(rf, db):
    request = rf.post("/", {once.FIELD: "t"})
    assert once._first(request, "key", lambda: HttpResponse("shown")).status_code == 200
    assert request.method == "POST"
    assert not SentForm.objects.exists()
