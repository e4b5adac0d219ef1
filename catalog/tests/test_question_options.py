"""What a merchant can make of a question, and what is refused because the checkout could not ask it."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from catalog.admin_forms import check_together
from catalog.models import IntakeQuestion, Product
from catalog.question_options import check_options
from catalog.seeding import seed

from .scenes import change_url, errors_of, not_refused, save

pytestmark = pytest.mark.django_db
PART = {"key": "year", "kind": "year", "zh_hant": "年", "en": "Year"}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("text", []),
        ("text", {"most": 3}),
        ("text", {"unheard": 1}),
        ("number", {"min": "1"}),
        ("number", {"min": 5, "max": 4}),
        ("number", {"max": True}),
        ("date", {"days_ahead": 0}),
        ("date", {"lunar": "yes"}),
        ("date", {"not_before": "no key!"}),
        ("repeat", {}),
        ("repeat", {"most": 21}),
        ("repeat", {"most": 2, "parts": [{"key": "year"}]}),
        ("repeat", {"most": 2, "parts": [PART | {"kind": "colour"}]}),
        ("file", {}),
        ("file", {"most": 1, "max_mb": 11}),
        ("file", {"most": 1, "accept": ["exe"]}),
        ("file", {"most": 1, "accept": []}),
        ("text", {"conditions": {"whose": []}}),
        ("text", {"conditions": {"whose": "baby"}}),
    ],
)
def test_options_that_make_no_sense_are_refused(kind, options):
    with pytest.raises(ValidationError):
        check_options(kind, options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("number", {"min": 0}),
        ("date", {"lunar": True, "past": True}),
        ("repeat", {"most": 20, "parts": [PART]}),
        ("file", {"most": 1, "max_mb": 10, "accept": ["pdf"]}),
        ("text", {"conditions": {"whose": ["baby", "adult"]}}),
    ],
)
def test_options_that_make_sense_are_taken(kind, options):
    check_options(kind, options)


def asked(key, position, kind="text", **columns):
    return IntakeQuestion(key=key, position=position, kind=kind, label_en=key, **columns)


@pytest.mark.parametrize(
    ("questions", "error"),
    [
        ([asked("a", 1, options={"conditions": {"b": ["yes"]}}), asked("b", 2, "yes_no")], "no earlier"),
        ([asked("b", 1), asked("a", 2, options={"conditions": {"b": ["yes"]}})], "no earlier"),
        (
            [asked("b", 1, "yes_no"), asked("a", 2, options={"conditions": {"b": ["perhaps"]}})],
            "does not have: perhaps",
        ),
        (
            [asked("b", 1, "yes_no", may_follow=True), asked("a", 2, options={"conditions": {"b": ["no"]}})],
            "cannot follow",
        ),
        ([asked("b", 1), asked("a", 2, "date", options={"not_before": "b"})], "no earlier date"),
    ],
)
def test_conditions_must_be_decidable(questions, error):
    with pytest.raises(ValidationError, match=error):
        check_together(questions)


def test_the_seeded_questions_pass_as_they_are():
    seed()
    for product in Product.objects.all():
        check_together(product.questions.all())
        for question in product.questions.all():
            question.full_clean()
            assert question.purpose_zh_hant or not question.is_personal, question.key
            assert bool(question.purpose_zh_hant) == bool(question.purpose_en), question.key


def number_of(product, key) -> str:
    keys = list(product.questions.values_list("key", flat=True))
    return f"questions-{keys.index(key)}"


def test_a_merchant_reads_and_writes_options_in_plain_fields(merchant):
    seed()
    product = Product.objects.get(code="SV3")
    product.questions.exclude(key__in={"whose", "trade", "birth"}).delete()  # a short page
    page = merchant.get(change_url(product)).content.decode()
    assert "whose = baby, adult" in page
    row = number_of(product, "trade")
    changes = {f"{row}-option_conditions": "whose = company, product\n", f"{row}-purpose_en": "To fit it."}
    response = save(merchant, product, **changes)
    assert response.status_code == 302, errors_of(response)
    question = product.questions.get(key="trade")
    assert question.options == {"conditions": {"whose": ["company", "product"]}}
    assert question.purpose_en == "To fit it."
    untouched = product.questions.get(key="birth").options
    assert untouched == {"lunar": True, "past": True, "conditions": {"whose": ["baby", "adult"]}}


def test_the_parts_of_a_list_are_written_one_a_line(merchant):
    seed()
    product = Product.objects.get(code="SV1")
    product.questions.exclude(key="household").delete()  # a short page
    row = number_of(product, "household")
    assert "relation | text | 關係 | Relation" in merchant.get(change_url(product)).content.decode()
    response = save(merchant, product, **{f"{row}-option_parts": "born | date | 生日 | Born"})
    assert response.status_code == 302, errors_of(response)
    assert product.questions.get(key="household").options == {
        "most": 8,
        "parts": [{"key": "born", "kind": "date", "zh_hant": "生日", "en": "Born"}],
    }


def test_a_merchant_is_told_what_cannot_be_asked(merchant):
    refused = [
        ("trade", "option_conditions", "whose", "One condition a line"),
        ("trade", "option_conditions", "whose = dog", "does not have: dog"),
        ("trade", "option_min", "3", "has no option"),
        ("candidates", "option_most", "", "how many entries"),
        ("candidates", "option_parts", "year | colour | 年 | Year", "One part a line"),
        ("candidates", "may_follow", "on", "Only a required question can follow"),
        ("whose", "may_follow", "on", "cannot follow after payment"),
    ]
    seed()
    product = Product.objects.get(code="SV3")
    product.questions.exclude(key__in={"whose", *(key for key, *_rest in refused)}).delete()  # a short page
    cases = [({f"{number_of(product, key)}-{field}": value}, error) for key, field, value, error in refused]
    assert not_refused(merchant, product, cases) == []


def test_the_page_of_a_new_product_opens(merchant):
    assert merchant.get(reverse("admin:catalog_product_add")).status_code == 200
