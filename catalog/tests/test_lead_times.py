"""When a report is ready and when goods leave: cut-off, holidays, absences, pre-orders; as pages say it."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.urls import reverse
from django.utils.translation import override

from catalog import lead_times
from catalog.models import Absence, Product
from catalog.seeding import seed
from shop.tests.harness.moments import day, stop_clock

from .shelf import goods, service

pytestmark = pytest.mark.django_db


def away(since, until, **fields):
    return Absence.objects.create(starts_on=day(since), ends_on=day(until), **fields)


def ready(product):
    return lead_times.report_days([product])[product.pk]


@pytest.mark.parametrize(
    ("moment", "ready_on"),
    [
        ("2026-12-01 14:59", "2026-12-10"),  # seven working days
        ("2026-12-01 15:00", "2026-12-11"),
        ("2026-12-05 10:00", "2026-12-16"),  # a Saturday
        ("2027-02-03 10:00", "2027-02-16"),  # over Lunar New Year
    ],
)
def test_a_report_takes_its_working_days_from_the_cut_off_on(monkeypatch, moment, ready_on):
    stop_clock(monkeypatch, moment)
    assert ready(service()) == day(ready_on)


def test_absent_days_do_not_count(monkeypatch):
    stop_clock(monkeypatch, "2027-02-10 10:00")
    mine, other = service(), service()
    away("2027-02-15", "2027-02-26", service=mine)
    assert ready(other) == day("2027-02-19")
    assert ready(mine) == day("2027-03-05")  # the 11th and 12th, then the 1st to the 5th


def test_an_absence_without_a_service_concerns_all_of_them(monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    away("2026-12-03", "2026-12-04")
    assert {ready(service()), ready(service())} == {day("2026-12-14")}


def test_an_absence_that_is_over_or_comes_later_changes_nothing(monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    product = service()
    away("2026-11-02", "2026-11-30", service=product)
    away("2026-12-11", "2026-12-31", service=product)
    assert ready(product) == day("2026-12-10")


def test_overlapping_absences_are_not_counted_twice(monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    product = service()
    away("2026-12-02", "2026-12-03", service=product)
    away("2026-12-03", "2026-12-04")
    assert ready(product) == day("2026-12-15")


def test_an_absence_ends_after_it_starts_and_within_a_year():
    with pytest.raises(ValidationError, match="must not be before"):
        Absence(starts_on=day("2027-02-15"), ends_on=day("2027-02-14")).full_clean()
    with pytest.raises(ValidationError, match="a year at most"):
        Absence(starts_on=day("2027-02-15"), ends_on=day("2072-02-14")).full_clean()
    with pytest.raises(IntegrityError):
        away("2027-02-15", "2027-02-14")


def test_the_dates_of_any_number_of_services_are_one_query(django_assert_num_queries):
    products = [service() for _ in range(5)]
    tea = goods()
    with django_assert_num_queries(1):
        lead_times.report_days([*products, tea])
    with django_assert_num_queries(0):
        lead_times.report_days([tea])


@pytest.mark.parametrize(
    ("moment", "available_from", "ships_by"),
    [
        ("2026-11-30 14:59", None, "2026-12-01"),
        ("2026-11-30 15:00", None, "2026-12-02"),
        ("2026-11-30 10:00", "2026-12-10", "2026-12-10"),  # a pre-order
        ("2026-11-30 10:00", "2026-12-12", "2026-12-14"),  # its day is a Saturday
        ("2026-12-14 10:00", "2026-12-10", "2026-12-15"),  # it is there by now
    ],
)
def test_goods_leave_the_next_working_day_or_when_they_have_come(
    monkeypatch, moment, available_from, ships_by
):
    stop_clock(monkeypatch, moment)
    late = goods(available_from=available_from and day(available_from))
    assert lead_times.ships_by([goods(), late]) == day(ships_by)


def test_what_is_not_shipped_has_no_day_of_shipping():
    assert lead_times.ships_by([service(), goods(ships=False)]) is None


def text(client, product, language="en"):
    with override(language):
        return client.get(product.get_absolute_url()).content.decode()


def test_the_page_of_a_service_names_the_day_and_why_it_is_late(client, monkeypatch):
    stop_clock(monkeypatch, "2027-02-10 10:00")
    product = service()
    away("2027-02-15", "2027-02-26", service=product, reason_zh_hant="顧問休假", reason_en="On leave")
    page = text(client, product)
    assert "Ordered now: report by <strong>5 March 2027</strong>" in page
    assert "On leave: 15 February 2027 – 26 February 2027 does not count" in page
    chinese = text(client, product, "zh-hant")
    assert "<strong>2027年3月5日(五)</strong>" in chinese
    assert "顧問休假" in chinese


def test_an_absence_of_others_is_not_told(client, monkeypatch):
    stop_clock(monkeypatch, "2027-02-10 10:00")
    away("2027-02-15", "2027-02-26", service=service(), reason_en="On leave")
    away("2027-06-01", "2027-06-02", reason_en="Office closed")
    assert "does not count" not in text(client, service())


def test_cards_and_cart_name_the_day(client, monkeypatch):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    report, tea = service(), goods(available_from=day("2026-12-10"))
    for product in (report, tea):
        variant = product.variants.get()
        client.post(reverse("cart:add"), {"variant": variant.pk, "quantity": 1})
    for url in (reverse("catalog:home"), report.category.get_absolute_url(), reverse("cart:detail")):
        assert "Ordered now: report by 10 December 2026" in client.get(url).content.decode(), url
    assert "everything is shipped by 10 December 2026" in client.get("/en/cart/").content.decode()
    assert "shipped by 10 December 2026" in text(client, tea)


def test_the_demo_has_a_consultant_who_is_absent(monkeypatch):
    seed()
    seed()
    by_code = {product.code: product for product in Product.objects.with_variants().filter(kind="service")}
    stop_clock(monkeypatch, "2027-02-12 10:00")
    days = {code: ready(product) for code, product in by_code.items()}
    assert Absence.objects.count() == 2
    assert days["SV3"] == day("2027-02-23")
    assert days["SV2"] == day("2027-03-09")
    assert days["SV6"] == day("2027-03-10")


def test_a_merchant_enters_an_absence(admin_client):
    url = reverse("admin:catalog_absence_add")
    product = service()
    typed = {"starts_on": "2027-02-26", "ends_on": "2027-02-15", "service": product.pk}
    wrong = admin_client.post(url, typed)
    assert wrong.status_code == 200
    assert "The last day must not be before the first." in wrong.content.decode()
    admin_client.post(url, {**typed, "starts_on": "2027-02-15", "ends_on": "2027-02-26"})
    absence = Absence.objects.get()
    assert absence.ends_on - absence.starts_on == dt.timedelta(days=11)
    assert product.name in admin_client.get(reverse("admin:catalog_absence_changelist")).content.decode()


def test_a_service_that_cannot_be_ordered_promises_no_day(client):
    product = service(is_orderable=False)
    assert "Ordered now" not in text(client, product)
    assert "Ordered now" not in client.get(product.category.get_absolute_url()).content.decode()
