"""Every kind of question: what it takes, what it makes of it, and what it says to anything else."""

import datetime as dt

import pytest
from django.http import QueryDict
from django.utils.translation import override

from catalog.demo.shapes import HAN
from catalog.models import IntakeQuestion, Product
from checkout.intake.forms import IntakeForm
from shop import clock
from shop.templatetags.shop import error_summary

Kind = IntakeQuestion.Kind
CHOICES = [
    {"value": "baby", "zh_hant": "嬰兒", "en": "A baby"},
    {"value": "company", "zh_hant": "公司", "en": "A company"},
]
ROWS = [
    {"key": "year", "kind": "year", "zh_hant": "年份", "en": "Year"},
    {"key": "relation", "kind": "text", "zh_hant": "關係", "en": "Relation"},
]
LUNAR = {"lunar": True, "past": True}


def ask(kind, key="q", **columns):
    columns = {"is_required": True, "product": Product(kind=Product.Kind.SERVICE), **columns}
    return IntakeQuestion(key=key, kind=kind, label_zh_hant="問", label_en="Question", **columns)


def form_of(*questions, **typed):
    data = QueryDict(mutable=True)
    for name, value in typed.items():
        data.setlist(f"s-{name}", value if isinstance(value, list) else [value])
    return IntakeForm(data, questions=questions, prefix="s")


def answer(question, **typed):
    form = form_of(question, **typed)
    assert form.is_valid(), form.errors
    [found] = form.answers()
    return found


def messages(question, **typed):
    form = form_of(question, **typed)
    assert not form.is_valid()
    return {name: " ".join(errors) for name, errors in form.errors.items()}


def birth(year, month, day, calendar="solar", **more):
    return {"q.calendar": calendar, "q.year": year, "q.month": month, "q.day": day, **more}


@pytest.mark.parametrize(
    ("kind", "columns", "typed", "value", "shown"),
    [
        (Kind.TEXT, {}, {"q": " 𠮷田 "}, "𠮷田", "𠮷田"),
        (Kind.LONG_TEXT, {}, {"q": "one\r\ntwo"}, "one\ntwo", "one\ntwo"),
        (Kind.NUMBER, {"options": {"min": -3, "max": 9}}, {"q": "-2"}, -2, "-2"),
        (Kind.CHOICE, {"choices": CHOICES}, {"q": "baby"}, "baby", "A baby"),
        (
            Kind.MULTI,
            {"choices": CHOICES},
            {"q": ["baby", "company"]},
            ["baby", "company"],
            "A baby, A company",
        ),
        (Kind.YES_NO, {}, {"q": "no"}, "no", "No"),
        (Kind.DATE, {}, {"q": "1890-03-21"}, "1890-03-21", "21 March 1890"),
        (Kind.DATE, {}, {"q": "１９９０年3月1日"}, "1990-03-01", "1 March 1990"),
        (Kind.MONTH, {}, {"q": "2024/5"}, "2024-05", "May 2024"),
        (Kind.TIME, {}, {"q": "8:30"}, "08:30", "08:30"),
        (Kind.TIME, {}, {"q.unknown": "on"}, "unknown", "unknown"),
        (
            Kind.DATE,
            {"options": LUNAR},
            birth("1990", "5", "1", "lunar", **{"q.leap": "on"}),
            {"calendar": "lunar", "year": 1990, "month": 5, "day": 1, "leap": True},
            "lunar calendar: year 1990, leap month 5, day 1 (solar calendar: 23 June 1990)",
        ),
        (
            Kind.DATE,
            {"options": LUNAR},
            birth("1888", "12", "30", "lunar"),
            {"calendar": "lunar", "year": 1888, "month": 12, "day": 30, "leap": False},
            "lunar calendar: year 1888, month 12, day 30",
        ),
        (
            Kind.REPEAT,
            {"options": {"most": 3, "parts": ROWS}, "max_length": 20},
            {"q.1-year": "民國49年", "q.1-relation": "Father", "q.3-year": "1990", "q.3-relation": "Me"},
            [{"year": 1960, "relation": "Father"}, {"year": 1990, "relation": "Me"}],
            "1960, Father\n1990, Me",
        ),
        (Kind.REPEAT, {"options": {"most": 2}}, {"q.2-text": "雲"}, [{"text": "雲"}], "雲"),
    ],
)
def test_an_answer_is_kept_as_its_kind_asks(kind, columns, typed, value, shown):
    found = answer(ask(kind, **columns), **typed)
    assert (found["value"], found["shown_en"], found["kind"]) == (value, shown, kind)


def test_what_a_browser_could_swallow_is_sent_as_it_was_typed():
    """Of what it cannot read in a field for numbers, a browser sends nothing; of a half date it tells so."""
    kinds = (Kind.NUMBER, Kind.DATE, Kind.TIME, Kind.MONTH, Kind.PERSON)
    shown = form_of(*(ask(kind, key, options=LUNAR) for key, kind in zip("abcde", kinds, strict=True)))
    shown = shown.fields | form_of(ask(Kind.DATE, "f")).fields
    types = {
        name: field.widget.attrs.get("type", field.widget.input_type)
        for name, field in shown.items()
        if hasattr(field.widget, "input_type")
    }
    assert "number" not in types.values()
    native = {name for name, kind in types.items() if kind in ("date", "time", "month")}
    assert native == {"c", "d", "e.time", "f"}
    assert all("Please complete" in str(shown[name].widget.attrs["data-incomplete"]) for name in native)


def test_a_blank_within_a_name_that_has_a_pattern_is_no_mistake():
    surname = ask(Kind.TEXT, max_length=2, pattern=f"{HAN}{{1,2}}", help_en="One or two Chinese characters.")
    for text, name in (("歐 陽", "歐陽"), ("歐　陽", "歐陽"), ("𠮷野", "𠮷野"), ("⾺", "馬")):
        assert answer(surname, q=text)["value"] == name
    assert messages(surname, q="Chan") == {"q": "One or two Chinese characters."}


def test_a_lunar_birthday_is_read_as_it_is_told():
    found = answer(ask(Kind.DATE, options=LUNAR), **birth("一九九〇年", "正月", "初八", "lunar"))
    assert (found["value"]["month"], found["value"]["day"]) == (1, 8)
    assert answer(ask(Kind.NUMBER), q="十二樓")["value"] == 12


def test_a_person_is_asked_for_in_parts_and_shown_in_both_languages():
    person = {"q": "Mei", "q.place": "Macau", "q.time-unknown": "on"}
    birth_parts = {
        "q.birth-calendar": "solar",
        "q.birth-year": "1899",
        "q.birth-month": "2",
        "q.birth-day": "28",
    }
    found = answer(ask(Kind.PERSON, options={"lunar": True}), **person, **birth_parts)
    assert found["value"]["birth"]["year"] == 1899
    assert "Time of birth: unknown" in found["shown_en"]
    assert "1899年2月28日" in found["shown_zh_hant"]


def test_an_answer_may_be_as_long_as_the_browser_counts_it():
    """600 characters, 9 of them line ends, which a browser sends as two characters each."""
    for length, ends in ((600, 9), (1000, 8)):
        question = ask(Kind.LONG_TEXT, max_length=length)
        text = "\n" * ends + "字" * (length - ends - 1) + "。"
        typed = f"一{text[1:]}".replace("\n", "\r\n")
        assert len(answer(question, q=typed)["value"]) == length
        assert f"at most {length}" in messages(question, q=f"{typed}字")["q"]


# kind, columns of the question, what is typed, the field that is told, what it is told
NO_ANSWERS = [
    (Kind.TEXT, {"max_length": 3}, {"q": "abcd"}, "q", "at most 3"),
    (Kind.TEXT, {}, {"q": "a\ufffdb"}, "q", "cannot be read"),
    (Kind.TEXT, {"pattern": "[a-z]", "help_en": "One letter."}, {"q": "7"}, "q", "One letter."),
    (Kind.NUMBER, {"options": {"min": 0}}, {"q": "-1"}, "q", "Please enter 0 or more."),
    (Kind.NUMBER, {}, {"q": "9" * 5000}, "q", "whole number"),
    (Kind.NUMBER, {}, {"q": "1e9"}, "q", "whole number"),
    (Kind.NUMBER, {}, {"q": "地下"}, "q", "“地下” is no whole number"),
    (Kind.CHOICE, {"choices": CHOICES}, {"q": "other"}, "q", "not one of the available"),
    (Kind.MULTI, {"choices": CHOICES}, {"q": ["baby", "<b>"]}, "q", "not one of the available"),
    (Kind.YES_NO, {}, {"q": "maybe"}, "q", "not one of the available"),
    (Kind.DATE, {}, {"q": "2023-02-29"}, "q", "This month has 28 days."),
    (Kind.DATE, {}, {"q": "2023-13-01"}, "q", "There are only 12 months."),
    (Kind.DATE, {}, {"q": "3/4/1990"}, "q", "Please enter 1990-04-03 or 1990-03-04."),
    (Kind.DATE, {}, {"q": "農曆1990年二月廿五"}, "q", "the day of the solar calendar"),
    (Kind.DATE, {}, {"q": "0090-03-21"}, "q", "for example 1990-03-21"),
    (Kind.DATE, {}, {"q": "2027-01-10 to 2027-02-10"}, "q", "for example 1990-03-21"),
    (Kind.DATE, {}, {"q": "yesterday"}, "q", "for example 1990-03-21"),
    (Kind.DATE, {}, {"q": "0000-01-01"}, "q", "for example 1990-03-21"),
    (Kind.DATE, {"options": {"past": True}}, {"q": "2999-01-01"}, "q", "in the future"),
    (Kind.DATE, {"options": LUNAR}, birth("2023", "2", "29"), "q.day", "This month has 28 days."),
    (Kind.DATE, {"options": LUNAR}, birth("1990", "2", "31", "lunar"), "q.day", "has 30 days"),
    (
        Kind.DATE,
        {"options": LUNAR},
        birth("1991", "5", "1", "lunar", **{"q.leap": "on"}),
        "q.leap",
        "The lunar year 1991 has no leap month.",
    ),
    (
        Kind.DATE,
        {"options": LUNAR},
        birth("1990", "6", "1", "lunar", **{"q.leap": "on"}),
        "q.leap",
        "The leap month of the lunar year 1990 is month 5.",
    ),
    (Kind.DATE, {"options": LUNAR}, birth("1990", "閏五月", "初一", "lunar"), "q.month", "tick “Leap month”"),
    (Kind.DATE, {"options": LUNAR}, birth("1888", "1", "31", "lunar"), "q.day", "at most 30 days"),
    (Kind.DATE, {"options": LUNAR}, birth("2999", "1", "1"), "q.year", "in the future"),
    (Kind.DATE, {"options": LUNAR}, birth("2999", "1", "1", "lunar"), "q.year", "in the future"),
    (Kind.DATE, {"options": LUNAR}, birth("1990", "", "1"), "q.month", "year, month and day"),
    (Kind.DATE, {"options": LUNAR}, birth("79", "5", "1"), "q.year", "four digits, for example 1990"),
    (Kind.DATE, {"options": LUNAR}, birth("光緒16年", "5", "1"), "q.year", "four digits, for example 1990"),
    (Kind.DATE, {"options": LUNAR}, birth("1990", "13", "1"), "q.month", "from 1 to 12"),
    (
        Kind.DATE,
        {"options": LUNAR},
        birth("1990", "5", "1", **{"q.leap": "on"}),
        "q.leap",
        "Only the lunar",
    ),
    (Kind.DATE, {"options": LUNAR}, birth("1990", "5", "1", "mayan"), "q.calendar", "not one of"),
    (Kind.MONTH, {}, {"q": "2024-13"}, "q", "There are only 12 months."),
    (Kind.MONTH, {}, {"q": "0024-05"}, "q", "for example 2024-05"),
    (Kind.TIME, {}, {"q": "午夜"}, "q", "00:00 or 23:59"),
    (Kind.TIME, {}, {"q": "不詳"}, "q", "tick “The time is unknown”"),
    (Kind.TIME, {}, {"q": "25:00"}, "q", "for example 08:30"),
    (Kind.TIME, {}, {"q": "08:30", "q.unknown": "on"}, "q.unknown", "not both"),
    (Kind.TIME, {}, {"q": "子時"}, "q", "within it, for example 00:30 for 子時"),
    (Kind.TIME, {}, {"q": "亥时"}, "q", "A double-hour lasts two hours."),
    (Kind.PERSON, {}, {"q": "Mei"}, "q.birth-year", "date of birth"),
    (Kind.PERSON, {}, {"q.place": "Macau"}, "q", "enter the name"),
    (
        Kind.REPEAT,
        {"options": {"most": 3, "parts": ROWS}},
        {"q.2-year": "1960"},
        "q.2-relation",
        "complete this entry",
    ),
    (
        Kind.REPEAT,
        {"options": {"most": 1, "parts": ROWS}},
        {"q.1-year": "2999", "q.1-relation": "Child"},
        "q.1-year",
        "in the future",
    ),
    (Kind.REPEAT, {"options": {"most": 1}, "max_length": 5}, {"q.1-text": "x" * 6}, "q.1-text", "most 5"),
    (Kind.FILE, {"options": {"most": 1}}, {"q": "/etc/passwd"}, "q", "Please answer"),
]


def test_what_is_no_answer_is_told_at_its_field():
    offenders = []
    for kind, columns, typed, field, message in NO_ANSWERS:
        shown = messages(ask(kind, **columns), **typed)
        if message not in shown.get(field, ""):
            offenders.append((kind, columns, typed, shown))
    assert offenders == []


@pytest.mark.parametrize("kind", list(Kind))
def test_a_required_question_of_any_kind_must_be_answered_and_another_may_be_left_out(kind):
    columns = {"choices": CHOICES, "options": {"most": 2} if kind in (Kind.REPEAT, Kind.FILE) else {}}
    assert "Please answer this question." in " ".join(messages(ask(kind, **columns)).values())
    form = form_of(ask(kind, **columns, is_required=False))
    assert form.is_valid()
    assert form.answers() == []


def test_the_summary_of_mistakes_names_the_question_and_its_part():
    form = form_of(ask(Kind.DATE, options=LUNAR), **birth("1990", "", "1"))
    assert not form.is_valid()
    [error] = error_summary(form)["errors"]
    assert error["label"] == "Question – Month"
    assert error["target"] == "id_s-q.month"


def test_more_rows_than_asked_for_are_not_taken():
    found = answer(ask(Kind.REPEAT, options={"most": 1}), **{"q.1-text": "a", "q.2-text": "b"})
    assert found["value"] == [{"text": "a"}]


def test_a_date_that_must_not_lie_in_the_future_may_be_today_but_not_tomorrow(monkeypatch):
    today, tomorrow = dt.date(2026, 2, 28), dt.date(2026, 3, 1)
    monkeypatch.setattr(clock, "today", lambda: today)
    question = ask(Kind.DATE, options={"past": True})
    assert answer(question, q=today.isoformat())["value"] == today.isoformat()
    assert messages(question, q=tomorrow.isoformat()) == {"q": "This date is in the future."}


def test_a_date_can_be_required_to_lie_ahead_and_after_another():
    first = ask(Kind.DATE, "from", options={"days_ahead": 14}, position=1)
    last = ask(Kind.DATE, "to", options={"not_before": "from"}, position=2)
    day = clock.today() + dt.timedelta(days=20)
    before = day - dt.timedelta(days=1)
    late = form_of(first, last, **{"from": day.isoformat(), "to": before.isoformat()})
    assert late.errors == {"to": ["This date is before the one above."]}
    soon = form_of(first, last, **{"from": clock.today().isoformat(), "to": day.isoformat()})
    assert "Please choose a date from" in soon.errors["from"][0]
    assert form_of(first, last, **{"from": day.isoformat(), "to": day.isoformat()}).is_valid()


# --- conditions ---


def chain():
    """What is it? A company: which trade? The trade is "other": what other?"""
    whose = ask(Kind.CHOICE, "whose", choices=CHOICES)
    listed = ask(Kind.YES_NO, "listed", options={"conditions": {"whose": ["company"]}})
    where = ask(Kind.TEXT, "where", options={"conditions": {"listed": ["yes"]}}, max_length=5)
    return whose, listed, where


def test_a_question_is_asked_only_where_its_condition_holds():
    assert form_of(*chain(), whose="baby").is_valid()
    assert form_of(*chain(), whose="company").errors == {"listed": ["Please answer this question."]}
    assert form_of(*chain(), whose="company", listed="no").is_valid()
    assert "where" in form_of(*chain(), whose="company", listed="yes").errors


def test_answers_to_questions_that_do_not_apply_are_dropped_however_wrong_they_are():
    form = form_of(*chain(), whose="baby", listed="nonsense", where="far too long for it")
    assert form.is_valid()
    assert [found["key"] for found in form.answers()] == ["whose"]
    form = form_of(*chain(), whose="baby", listed="yes", where="HKEX")
    assert form.is_valid()
    assert [found["key"] for found in form.answers()] == ["whose"], "its own condition does not hold either"


def test_without_scripts_the_condition_stands_at_the_question():
    notes = str(form_of(*chain()).asked[1].notes)
    assert "Only if “Question” is answered: A company." in notes
    with override("zh-hant"):
        assert "公司" in str(form_of(*chain()).asked[1].notes)


# --- consent, purpose, retention ---


def test_an_answer_about_another_person_needs_consent_which_is_kept_with_its_text():
    question = ask(Kind.TEXT, is_third_person=True, is_required=False)
    assert list(messages(question, q="1960")) == ["q.consent"]
    consent = answer(question, q="1960", **{"q.consent": "on"})["consent"]
    assert set(consent) == {"version", "language", "text"}
    assert consent["language"] == "en"
    with override("zh-hant"):
        assert "同意" in answer(question, q="1960", **{"q.consent": "on"})["consent"]["text"]
    assert form_of(question).is_valid(), "no answer, no consent"
    form = form_of(question, **{"q.consent": "on"})
    assert form.is_valid()
    assert form.answers() == []


def test_a_personal_question_says_why_it_is_asked_and_how_long_it_is_kept():
    question = ask(Kind.TEXT, is_personal=True, keep_days=90, purpose_en="To set up the chart <b>.")
    notes = str(form_of(question).asked[0].notes)
    assert "To set up the chart &lt;b&gt;." in notes
    assert "Kept for 90 days after the report is delivered" in notes
    assert "Kept for" not in str(form_of(ask(Kind.TEXT)).asked[0].notes)
    question.product = Product(kind=Product.Kind.GOODS)
    notes = str(form_of(question).asked[0].notes)
    assert "Kept for 90 days after the order is shipped" in notes, "goods have no report"


# --- later ---


def test_a_question_that_may_follow_is_left_for_later_only_on_purpose():
    question = ask(Kind.TEXT, may_follow=True)
    assert "tick that you will add it later" in messages(question)["q"]
    found = answer(question, **{"q.later": "on"})
    assert (found["is_missing"], found["value"], found["shown_en"]) == (True, None, "")
    assert "is_missing" not in answer(question, q="now", **{"q.later": "on"})
    assert messages(ask(Kind.TEXT), **{"q.later": "on"}), "not where it may not follow"
