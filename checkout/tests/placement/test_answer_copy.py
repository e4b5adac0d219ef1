"""What was typed about one subject is used for another: copied on demand, never over what is there."""

import pytest

from catalog.models import IntakeQuestion
from checkout.models import Draft, Order
from checkout.tests.intake_scenes import checkout, question
from checkout.tests.scenes import add, make_service

pytestmark = pytest.mark.django_db
URL = "/en/checkout/"
Kind = IntakeQuestion.Kind
PERSON = {
    "who": "Mei",
    "who.birth-calendar": "lunar",
    "who.birth-year": "1990",
    "who.birth-month": "5",
    "who.birth-day": "1",
    "who.birth-leap": "on",
    "who.time-unknown": "on",
    "who.place": "Macau",
}
CITIES = [{"value": one, "zh_hant": one, "en": one} for one in ("hk", "mo")]


def service_of(code, *asked):
    """A service that asks these questions: (key, kind, columns)."""
    variant = make_service(code)
    for key, kind, columns in asked:
        question(variant, key, kind, **columns)
    return variant


def under(variant, subject, answers):
    return {f"v{variant.pk}-{subject}-{name}": value for name, value in answers.items()}


def copy(client, source, target, typed, url=URL):
    """Press "Copy answers" in the second form with the first one chosen; each is (variant, subject)."""
    to = f"v{target[0].pk}-{target[1]}"
    sent = typed | {f"{to}-reuse.from": f"v{source[0].pk}-{source[1]}", "action": f"reuse:{to}"}
    response = client.post(url, sent)
    assert response.status_code == 200
    return response


def shown(response, variant, subject):
    """What stands in the form of a subject, without what stands there from the start."""
    forms = {form.prefix: form for line in response.context["forms"].lines for form in line.subjects}
    form = forms[f"v{variant.pk}-{subject}"]
    values = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, "", [], False, "solar")}


def kept(variant, subject):
    """The same in the draft."""
    start = f"v{variant.pk}-{subject}-"
    data = Draft.objects.get().data
    return {name.removeprefix(start): values[0] for name, values in data.items() if name.startswith(start)}


def test_a_person_is_copied_to_another_service_and_kept_in_the_draft(client):
    asked = ("who", Kind.PERSON, {"options": {"lunar": True}})
    first, second = service_of("SV-901", asked), service_of("SV-902", asked)
    for service in (first, second):
        add(client, service)
    typed = under(first, 1, PERSON | {"name": "Mei Chan"}) | under(second, 1, {"who.birth-calendar": "solar"})
    response = copy(client, (first, 1), (second, 1), typed | {"email": "mei@example.com"})
    page = response.content.decode()
    assert "2 answers copied. Please check them." in page
    assert 'class="error"' not in page, "not judged yet"
    assert 'value="mei@example.com"' in page
    expected = {n: True if v == "on" else v for n, v in PERSON.items()} | {"name": "Mei Chan"}
    assert shown(response, second, 1) == shown(response, first, 1) == expected
    assert shown(client.get(URL), second, 1) == expected
    assert kept(second, 1).items() >= PERSON.items()
    assert not Order.objects.exists()


def test_the_copied_answers_can_be_ordered(client):
    service = make_service()
    add(client, service, 2)
    typed = under(service, 1, {"name": "Mei"})
    copy(client, (service, 1), (service, 2), typed)
    page = client.get(URL)
    answers = {subject: shown(page, service, subject) for subject in (1, 2)}
    given = {name: v for subject in answers for name, v in under(service, subject, answers[subject]).items()}
    checkout(client, service, **given)
    intakes = Order.objects.get().lines.get().intakes.exclude(subject=0).order_by("subject")
    assert [intake.answers[0]["value"] for intake in intakes] == ["Mei", "Mei"]


def test_what_was_typed_is_never_overwritten_nor_is_one_person_mixed_with_another(client):
    service = service_of("SV-901", ("who", Kind.PERSON, {}), ("city", Kind.TEXT, {}))
    add(client, service, 2)
    own = {"name": "Ming", "who": "Ming"}
    typed = under(service, 1, PERSON | {"name": "Mei", "city": "Macau"}) | under(service, 2, own)
    response = copy(client, (service, 1), (service, 2), typed)
    assert "1 answer copied. Please check it." in response.content.decode()
    assert shown(response, service, 2) == own | {"city": "Macau"}
    again = copy(client, (service, 1), (service, 2), typed | under(service, 2, {"city": "Taipei"}))
    assert "Nothing was copied" in again.content.decode()


def test_consents_ticks_for_later_and_files_are_not_copied(client):
    service = service_of(
        "SV-901",
        ("father", Kind.TEXT, {"is_third_person": True}),
        ("plan", Kind.FILE, {"options": {"most": 1}}),
        ("mother", Kind.TEXT, {"is_required": True, "may_follow": True}),
    )
    add(client, service, 2)
    first = {"father": "1950", "father.consent": "on", "plan": "plan.pdf", "mother.later": "on"}
    response = copy(client, (service, 1), (service, 2), under(service, 1, first))
    assert shown(response, service, 2) == {"father": "1950"}
    assert set(kept(service, 2)) == {"father", "reuse.from"}


def test_what_does_not_fit_is_left_out(client):
    same = ("more", Kind.MULTI, {"choices": CITIES})
    first = service_of(
        "SV-901",
        same,
        ("born", Kind.DATE, {}),
        ("city", Kind.CHOICE, {"choices": CITIES}),
        ("note", Kind.TEXT, {}),
        ("age", Kind.NUMBER, {}),
    )
    second = service_of(
        "SV-902",
        same,
        ("born", Kind.DATE, {"options": {"lunar": True}}),
        ("city", Kind.CHOICE, {"choices": CITIES[:1]}),
        ("note", Kind.TEXT, {"max_length": 3}),
        ("age", Kind.TEXT, {}),
    )
    for service in (first, second):
        add(client, service)
    answers = {"born": "1990-01-01", "city": "mo", "note": "long", "age": "30", "more": ["hk", "mo"]}
    response = copy(client, (first, 1), (second, 1), under(first, 1, answers))
    assert shown(response, second, 1) == {"more": ["hk", "mo"]}


def test_what_is_not_asked_is_not_copied_and_conditions_are(client):
    asked = [("firm", Kind.YES_NO, {}), ("trade", Kind.TEXT, {"options": {"conditions": {"firm": ["yes"]}}})]
    service = service_of("SV-901", *asked)
    add(client, service, 2)
    copied = copy(client, (service, 1), (service, 2), under(service, 1, {"firm": "yes", "trade": "Tea"}))
    assert shown(copied, service, 2) == {"firm": "yes", "trade": "Tea"}
    hidden = copy(client, (service, 1), (service, 2), under(service, 1, {"firm": "no", "trade": "Tea"}))
    assert shown(hidden, service, 2) == {"firm": "no"}
    typed = under(service, 1, {"firm": "yes", "trade": "Tea"}) | under(service, 2, {"firm": "no"})
    assert shown(copy(client, (service, 1), (service, 2), typed), service, 2) == {"firm": "no"}
    always = service_of("SV-902", ("trade", Kind.TEXT, {}))
    add(client, always)
    typed = under(service, 1, {"name": "Mei", "firm": "no", "trade": "Left over"})
    assert shown(copy(client, (service, 1), (always, 1), typed), always, 1) == {"name": "Mei"}


def test_only_forms_that_ask_the_same_are_offered_by_service_subject_and_name(client):
    plan = ("plan", Kind.FILE, {"options": {"most": 1}})
    first, other = service_of("SV-901", plan), service_of("SV-902", plan)
    other.product.questions.filter(key="name").delete()
    add(client, first, 3)
    add(client, other)
    typed = under(first, 1, {"name": "Mei <b>"})
    response = copy(client, (first, 1), (first, 2), typed)
    sources = {
        form.prefix: [source.label for source in form.sources]
        for line in response.context["forms"].lines
        for form in line.subjects
    }
    named = "Test consultation – subject 1 – Mei <b>"
    assert sources == {
        f"v{first.pk}-1": [],
        f"v{first.pk}-2": [named],
        f"v{first.pk}-3": [named, "Test consultation – subject 2 – Mei <b>"],
        f"v{other.pk}-1": [],
    }
    assert "<b>" not in response.content.decode()


@pytest.mark.parametrize(
    ("source", "action"),
    [
        ("v{0}-1", "reuse:v{0}-9"),
        ("v{0}-1", "reuse:v{0}-1"),
        ("v{0}-2", "reuse:v{0}-2"),
        ("v{0}-2", "reuse:v{0}-1"),
        ("v{1}-1", "reuse:v{0}-2"),
        ("v999999-1", "reuse:v{0}-2"),
        ("", "reuse:v{0}-2"),
        ("v{0}-1", "reuse:"),
        ("v{0}-1", "reuse:\x00'"),
        ("v{0}-1", "reuse:v" + "9" * 5000),
    ],
    ids=lambda text: repr(text)[:20],
)
def test_forms_that_are_not_there_or_not_offered_are_ignored(client, source, action):
    service, foreign = make_service("SV-901"), make_service("SV-902")
    add(client, service, 2)
    pks = (service.pk, foreign.pk)
    typed = under(service, 1, {"name": "Mei"}) | under(foreign, 1, {"name": "Foreign"})
    typed |= {f"v{service.pk}-{subject}-reuse.from": source.format(*pks) for subject in (1, 2)}
    response = client.post(URL, typed | {"action": action.format(*pks)})
    assert response.status_code == 200
    assert shown(response, service, 1) == {"name": "Mei"}
    assert shown(response, service, 2) == {}
    assert 'id="reuse-v' not in response.content.decode(), "no word of copying"
    assert not {"action", f"v{service.pk}-9-name"} & set(Draft.objects.get().data)


def test_the_button_speaks_both_languages_and_leads_to_its_form(client):
    service = make_service()
    add(client, service, 2)
    to = f"v{service.pk}-2"
    page = client.get(URL).content.decode()
    assert "Same person as" in page
    assert f'name="action" value="reuse:{to}" formaction="#reuse-{to}">Copy answers</button>' in page
    assert page.index("Continue to payment") < page.index("Copy answers"), "the Enter key orders"
    typed = under(service, 1, {"name": "美"})
    chinese = copy(client, (service, 1), (service, 2), typed, "/zh-hant/checkout/").content.decode()
    assert "與此人相同" in chinese
    assert "複製答案" in chinese
    assert f'id="reuse-{to}" role="status" tabindex="-1">已複製1項答案，請核對。' in chinese
    assert "測試諮詢 – 受諮詢人1 – 美" in chinese
