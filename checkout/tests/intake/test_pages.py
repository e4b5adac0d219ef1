"""The checkout's questions over HTTP: the right answers on the right lines, nothing lost or left over."""

import pytest

from catalog.models import IntakeQuestion
from catalog.seeding import seed
from checkout.models import Draft, Order
from checkout.tests.intake_scenes import URL, checkout, contact_for, order_of, page_of, question
from checkout.tests.scenes import TYPED, add, make_goods, make_service, quote_of

pytestmark = pytest.mark.django_db


def test_three_services_for_two_subjects_are_six_forms_on_the_right_lines(client):
    services = [make_service(f"SV-90{number}") for number in range(3)]
    typed = {}
    for service in services:
        add(client, service, 2)
        for subject in (1, 2):
            typed[f"v{service.pk}-{subject}-name"] = f"{service.sku} subject {subject}"
    order = order_of(checkout(client, *services, **typed))
    found = {
        (line.sku, intake.subject): intake.answers[0]["value"]
        for line in order.lines.all()
        for intake in line.intakes.exclude(subject=0)
    }
    assert found == {(s.sku, n): f"{s.sku} subject {n}" for s in services for n in (1, 2)}
    IntakeQuestion.objects.update(label_en="Changed later", kind=IntakeQuestion.Kind.NUMBER)
    intake = order.lines.first().intakes.get(subject=1)
    assert [(row.label, row.text) for row in intake.rows] == [("Name", "SV-900 subject 1")]


def test_the_contact_block_of_another_service_can_be_the_same(client):
    first, second = make_service("SV-901"), make_service("SV-902")
    for service in (first, second):
        add(client, service)
    names = {f"v{service.pk}-1-name": "x" for service in (first, second)}
    page = page_of(client)
    assert "The same as for “Test consultation”" in page
    assert f"v{first.pk}-same" not in page
    order = order_of(checkout(client, first, **names, **{f"v{second.pk}-same": "on"}))
    blocks = [
        {answer["key"]: answer["value"] for answer in line.intakes.get(subject=0).answers}
        for line in order.lines.all()
    ]
    assert blocks[0] == blocks[1]
    assert blocks[1]["contact_name"] == "Mei"
    assert blocks[1]["channel"] == "whatsapp"


def test_what_is_wrong_with_a_repeated_block_is_told_where_it_was_typed(client):
    first, second = make_service("SV-901"), make_service("SV-902")
    for service in (first, second):
        add(client, service)
    wrong = contact_for(first, phone="12")
    page = checkout(client, first, **wrong, **{f"v{second.pk}-same": "on"}).content.decode()
    assert page.count("<p>Please enter a phone number") == 1
    assert f'href="#id_v{first.pk}-phone"' in page
    assert not Order.objects.exists()


def test_lowering_a_quantity_or_removing_a_line_drops_the_answers_of_the_draft(client):
    service, other = make_service("SV-901"), make_service("SV-902")
    add(client, service, 2)
    add(client, other)
    typed = {f"v{service.pk}-1-name": "One", f"v{service.pk}-2-name": "Two", f"v{other.pk}-1-name": "Three"}
    checkout(client, service, other, **typed, email="")
    client.post("/en/cart/update/", {"variant": service.pk, "quantity": 1})
    client.post("/en/cart/update/", {"variant": service.pk, "quantity": 2})
    page = page_of(client)
    assert 'value="One"' in page
    assert 'value="Three"' in page
    assert 'value="Two"' not in page
    client.post("/en/cart/remove/", {"variant": other.pk})
    assert not [name for name in Draft.objects.get().data if name.startswith(f"v{other.pk}-")]
    assert [name for name in Draft.objects.get().data if name.startswith(f"v{service.pk}-1-")]


def test_everything_typed_comes_back_whatever_its_kind(client):
    service = make_service()
    Kind = IntakeQuestion.Kind
    question(service, "born", Kind.DATE, options={"lunar": True})
    question(service, "time", Kind.TIME)
    question(service, "people", Kind.REPEAT, options={"most": 3})
    question(service, "sure", Kind.YES_NO, is_third_person=True)
    add(client, service)
    prefix = f"v{service.pk}-1-"
    typed = {
        "born.calendar": "lunar",
        "born.year": "1990",
        "born.leap": "on",
        "time.unknown": "on",
        "people.2-text": "Canary",
        "sure": "no",
        "sure.consent": "on",
    }
    checkout(client, service, email="", **{prefix + name: value for name, value in typed.items()})
    page = client.get(URL)
    form = page.context["forms"].lines[0].subjects[0]
    for name, value in typed.items():
        assert form[name].value() == (True if value == "on" else value), name
    assert 'class="error"' not in page.content.decode(), "not judged yet"


def test_a_consent_is_stored_with_its_version_language_and_moment(client):
    service = make_service()
    question(service, "father", is_third_person=True)
    add(client, service)
    name = f"v{service.pk}-1-"
    typed = {f"{name}name": "x", f"{name}father": "1950"}
    assert "Please tick this" in checkout(client, service, **typed).content.decode()
    typed[f"{name}father.consent"] = "on"
    order = order_of(checkout(client, service, **typed))
    assert order_of(checkout(client, service, **typed)).revision == 1, "the moment makes no new order"
    answer = order.lines.get().intakes.get(subject=1).answers[1]
    assert set(answer["consent"]) == {"at", "version", "language", "text"}
    assert answer["consent"]["text"].startswith("These details are my own")


def test_what_does_not_apply_is_neither_asked_nor_kept(client):
    service = make_service()
    question(service, "firm", IntakeQuestion.Kind.YES_NO, is_required=True)
    question(service, "trade", is_required=True, options={"conditions": {"firm": ["yes"]}})
    add(client, service)
    name = f"v{service.pk}-1-"
    assert f"&quot;v{service.pk}-1-firm&quot;: [&quot;yes&quot;]" in page_of(client)
    typed = {f"{name}name": "x", f"{name}firm": "yes"}
    assert "Please answer this question." in checkout(client, service, **typed).content.decode()
    typed |= {f"{name}firm": "no", f"{name}trade": "tea"}
    order = order_of(checkout(client, service, **typed))
    answers = order.lines.get().intakes.get(subject=1).answers
    assert [answer["key"] for answer in answers] == ["name", "firm"]


def test_the_seeded_services_can_all_be_ordered_at_once_and_ask_what_they_need(client):
    """Every kind of question there is, in one form of six services."""
    seed()
    from catalog.models import Variant

    services = list(Variant.objects.filter(product__kind="service").order_by("sku"))
    for service in services:
        add(client, service)
    page = client.get(URL)
    kinds = {
        ask.question.kind
        for line in page.context["forms"].lines
        for form in line.subjects
        for ask in form.asks.values()
    }
    assert kinds >= set(IntakeQuestion.Kind)
    answers = {
        "SV1": {"floor-plan.later": "on", "district": "Taikoo", "concerns": ["sleep", "work"]},
        "SV2": {
            "name": "Mei",
            "birth-date.calendar": "lunar",
            "birth-date.year": "1990",
            "birth-date.month": "5",
            "birth-date.day": "1",
            "birth-place": "Macau",
            "year": "2027",
            "areas": ["career"],
        },
        "SV3": {"whose": "company", "surname": "陳", "languages": ["yue"], "trade": "Tea"},
        "SV4": {"purpose": "move", "from": "2099-01-01", "to": "2099-02-01", "city": "Hong Kong"},
        "SV5": {"trade": "Tea", "stage": "open", "floor-plan.later": "on", "address": "1 Road"},
        "SV6": {
            "relation": "couple",
            "first-person.later": "on",
            "second-person.later": "on",
            "shared-question": "Where to live?",
        },
    }
    typed = {
        f"v{service.pk}-1-{name}": value
        for service in services
        for name, value in answers[service.sku].items()
    }
    order = order_of(checkout(client, *services, **typed))
    assert order.lines.count() == 6
    missing = [line.sku for line in order.lines.all() if not line.intakes.get(subject=1).is_complete]
    assert missing == ["SV1", "SV5", "SV6"]


def test_goods_may_ask_too_and_have_no_contact_block(client):
    seal = make_goods()
    question(seal, "text", is_required=True, max_length=4)
    add(client, seal)
    quote = quote_of(client.get(URL))
    order = order_of(client.post(URL, {**TYPED, "quote": quote, f"v{seal.pk}-1-text": "雲硯"}))
    assert [intake.subject for intake in order.lines.get().intakes.all()] == [1]
