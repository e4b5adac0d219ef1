"""What a draft keeps of a post: the fields of its forms, of bounded length; of a network so much an hour."""

from dataclasses import replace

import pytest
from django.test import Client

from catalog.models import IntakeQuestion
from checkout.forms import kept_fields
from checkout.models import Draft, Order
from checkout.placement import drafts
from checkout.tests.intake_scenes import question, typed_for
from checkout.tests.scenes import TYPED, URL, add, make_goods, make_service, quote_of
from shop.tests.harness.hostile import forms_of

pytestmark = pytest.mark.django_db
PASSING = {"quote", "action", "remove_upload", "page_token"}  # of the page, not typed


@pytest.fixture
def service():
    """One that asks in every way."""
    variant, kinds = make_service(), IntakeQuestion.Kind
    choices = [{"value": name, "zh_hant": name, "en": name} for name in "abc"]
    for kind in kinds:
        options = {"most": 2} if kind == kinds.REPEAT else {}
        chosen = {"choices": choices} if kind in {kinds.CHOICE, kinds.MULTI} else {}
        question(
            variant, f"q{kind.value}", kind, options=options, is_third_person=True, may_follow=True, **chosen
        )
    return variant


def keep(client, **fields):
    assert client.post(URL, {"action": "keep", **fields}).status_code == 204
    return Draft.objects.get().data


def test_fields_that_no_form_has_are_not_kept(client):
    add(client, make_goods())
    unknown = {f"x{number}": "y" * 9_000 for number in range(90)}
    unknown |= {f"kept_XX_{part}": "y" for part in ("area", "city")} | {"v999999-contact_name": "y"}
    assert keep(client, email="mei@example.com", **unknown) == {"email": ["mei@example.com"]}


def test_every_field_that_a_page_shows_is_kept(client, service):
    """In each region; a form that gets a field in another way than the others is noticed here."""
    add(client, make_goods())
    add(client, service, 2)
    lost, seen = set(), set()
    for region, method in (("HK", ""), ("HK", "sf_locker"), ("CN", ""), ("US", "")):
        typed = {"region": region, "shape": region, "method": method, "area": "other", "city": "other"}
        page = client.post(URL, {**TYPED, **typed, "phone": "12", "action": "quote"})
        (form,) = [
            one for one in forms_of(page.content.decode()) if f"v{service.pk}-contact_name" in one.names
        ]
        files = {name for name in form.names if name.endswith("-qfile")}
        names = {name.removesuffix("_later") for name in form.names} - PASSING - files
        seen |= names
        lost |= names - keep(client, **dict.fromkeys(names, "1")).keys()
    assert lost == set()
    assert len(seen) > 60


def test_a_text_is_kept_a_little_longer_than_it_may_be_so_that_it_can_be_shortened(client):
    add(client, make_goods())
    kept = keep(client, delivery_note="長" * 9_000, is_gift="on" * 9_000)
    assert [len(kept[name][0]) for name in ("delivery_note", "is_gift")] == [1_200, 200]


def test_all_fields_together_have_a_greatest_size(client, service, monkeypatch):
    monkeypatch.setattr(kept_fields, "MOST_BYTES", 20_000)
    add(client, service, 2)
    names = client.get(URL).content.decode().split('name="')[1:]
    data = keep(client, **{name.partition('"')[0]: "長" * 200 for name in names} | {"action": "keep"})
    assert 19_000 < kept_fields.size_of(data) <= kept_fields.MOST_BYTES


def test_a_network_that_has_stored_too_much_stores_no_more_and_can_still_order(client, service, monkeypatch):
    monkeypatch.setattr(drafts, "LARGE_DRAFTS", replace(drafts.LARGE_DRAFTS, limit=2))
    goods = make_goods()
    add(client, goods)
    add(client, service)
    large = {f"v{service.pk}-remarks": "長" * 4_000}
    kept = keep(client, **large, email="first@example.com")
    assert kept["email"] == ["first@example.com"]
    assert keep(client, **large, email="second@example.com")["email"] == ["second@example.com"]
    assert keep(client, **large, email="third@example.com")["email"] == ["second@example.com"]
    assert keep(client, email="small@example.com")["email"] == ["small@example.com"]


def test_answers_that_found_no_room_in_a_draft_are_counted_like_one(client, monkeypatch):
    monkeypatch.setattr(drafts, "ORDINARY", 500)
    monkeypatch.setattr(drafts, "LARGE_DRAFTS", replace(drafts.LARGE_DRAFTS, limit=0))
    service = make_service()
    question(service, "remarks", IntakeQuestion.Kind.LONG_TEXT)
    add(client, service)
    typed = typed_for(service) | {"quote": quote_of(client.get(URL)), f"v{service.pk}-1-name": "Mei"}
    long = typed | {f"v{service.pk}-1-remarks": "長" * 190}
    page = client.post(URL, long).content.decode()
    assert "Please shorten your answers, or try again in an hour." in page
    assert "長" * 190 in page, "nothing typed is lost"
    assert not Order.objects.exists()
    assert client.post(URL, typed | {f"v{service.pk}-1-remarks": "長" * 9}).status_code == 302


def test_whoever_may_store_nothing_can_still_order(client, monkeypatch):
    monkeypatch.setattr(drafts, "ORDINARY", 0)
    monkeypatch.setattr(drafts, "LARGE_DRAFTS", replace(drafts.LARGE_DRAFTS, limit=0))
    add(client, make_goods())
    answer = client.post(URL, {**TYPED, "quote": quote_of(client.get(URL))})
    assert answer.status_code == 302
    assert (Order.objects.count(), Draft.objects.get().data) == (1, {})


def test_a_network_begins_so_many_drafts_and_those_who_have_one_go_on(client, monkeypatch):
    """However small: each is a row that is kept for weeks."""
    monkeypatch.setattr(drafts, "NEW_DRAFTS", replace(drafts.NEW_DRAFTS, limit=2))
    tea = make_goods(on_hand=50)
    add(client, tea)
    keep(client, email="first@example.com")
    visitors = [Client() for _ in range(4)]
    for visitor in visitors:
        add(visitor, tea)
        visitor.post(URL, {"action": "keep", "email": "mei@example.com"})
    assert Draft.objects.count() == 2
    refused = visitors[-1]
    answer = refused.post(URL, {**TYPED, "quote": quote_of(refused.get(URL))})
    page = answer.content.decode()
    assert "Too many orders were begun from your network." in page
    assert f'value="{TYPED["email"]}"' in page, "nothing typed is lost"
    assert (Draft.objects.count(), Order.objects.count()) == (2, 0)
    assert client.post(URL, {**TYPED, "quote": quote_of(client.get(URL))}).status_code == 302
    add(elsewhere := Client(REMOTE_ADDR="198.51.100.7"), tea)
    assert elsewhere.post(URL, {**TYPED, "quote": quote_of(elsewhere.get(URL))}).status_code == 302
