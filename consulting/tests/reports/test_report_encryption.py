import ast
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User

from consulting import key_format, report_document, report_encryption
from consulting.keys import services as keys
from consulting.models import Case, Report
from consulting.reports import services as reports
from consulting.tests import scenes

TEXT = report_document.make("標題 𠮷", "第一段\r\n\r\n## 小標\n\n- **重點**\n")


def sealed(case, version: int = 1, text=TEXT) -> Report:
    report = Report(case=case, version=version)
    report_encryption.seal(report, text)
    return report


def canonical(order) -> str:
    return keys.read_key(order.keys.get())


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def test_a_report_opens_for_its_client_and_from_escrow(case, order):
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    assert report_encryption.open_for_client(report, canonical(order)) == TEXT
    assert scenes.from_escrow(report) == TEXT


def test_escrow_shows_a_report_to_its_own_consultant_and_nobody_else(case, order, consultant, colleague):
    """Whichever page forgets to ask. Of what escrow opens, another function tells only if there is a note."""
    scenes.published(case, consultant)
    report = Report.objects.get()
    assert report_encryption.admitted_as_consultant(report, consultant).text.title == scenes.TITLE
    boss = scenes.staff("boss", "change_case", "assign_case", "change_report")
    for stranger in (colleague, boss, User.objects.create_superuser("owner")):
        with pytest.raises(report_encryption.NotAssigned):
            report_encryption.admitted_as_consultant(report, stranger)
    source = ast.parse(Path(report_encryption.__file__).read_text())
    openers = {
        each.name
        for each in source.body
        if "_dek_from_escrow(" in ast.unparse(each).partition(":")[2]
        if isinstance(each, ast.FunctionDef)
    }
    writers = {"_dek_to_write_with", "admit_client"}
    assert openers == {"admitted_as_consultant", "has_note", *writers}


def test_a_draft_opens_for_no_key(case, order):
    with pytest.raises(report_encryption.Unreadable):
        report_encryption.open_for_client(sealed(case), canonical(order))


def test_another_key_opens_nothing(case, order):
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    with pytest.raises(report_encryption.Unreadable):
        report_encryption.open_for_client(report, key_format.make())


def test_the_text_and_its_title_are_not_in_the_row(case, consultant):
    reports.assign(case, consultant)
    report = reports.save_draft(case, author=consultant, title=scenes.TITLE, body=scenes.TEXT)
    stored = repr(list(Report.objects.filter(pk=report.pk).values_list()[0]))
    assert "canary" not in stored


def test_the_same_text_is_sealed_differently_every_time(case):
    assert sealed(case).body != sealed(case).body


@pytest.mark.parametrize("column", ["body", "salt", "client_wrap", "escrow_wrap"])
def test_an_altered_row_is_refused(case, order, column):
    key = canonical(order)
    pristine = sealed(case)
    report_encryption.admit_client(pristine, key)
    columns = {
        name: bytes(getattr(pristine, name)) for name in ("body", "salt", "client_wrap", "escrow_wrap")
    }
    for place in range(len(columns[column])):
        report = Report(case=case, version=1, **columns | {column: flipped(columns[column], place)})
        opened = []
        for open_it in (
            lambda row: report_encryption.open_for_client(row, key),
            scenes.from_escrow,
        ):
            try:
                opened.append(open_it(report))
            except report_encryption.Unreadable:
                continue
        assert len(opened) == {"body": 0}.get(column, 1)  # a wrap is one of two ways in
        assert all(text == TEXT for text in opened)


@pytest.mark.parametrize("cut", [0, 5, 12, 20, 30])
def test_a_cut_row_is_refused(case, order, cut):
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    report.body = report.body[:cut]
    with pytest.raises(report_encryption.Unreadable):
        scenes.from_escrow(report)
    report.client_wrap = report.client_wrap[:cut]
    with pytest.raises(report_encryption.Unreadable):
        report_encryption.open_for_client(report, canonical(order))


def test_a_row_moved_to_another_place_is_refused(case, order):
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    other_subject = Case.objects.of(order).last()
    other_order = scenes.paid_order()
    for target, version in [
        (other_subject, 1),
        (Case.objects.of(other_order).first(), 1),
        (case, 2),
    ]:
        moved = Report(case=target, version=version)
        for column in ("body", "salt", "client_wrap", "escrow_wrap"):
            setattr(moved, column, getattr(report, column))
        with pytest.raises(report_encryption.Unreadable):
            scenes.from_escrow(moved)
        with pytest.raises(report_encryption.Unreadable):
            report_encryption.open_for_client(moved, canonical(order))


def test_a_report_whose_case_was_moved_to_another_order_opens_for_nobody(case, order):
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    other = scenes.paid_order()
    Case.objects.filter(pk=case.pk).update(line=Case.objects.of(other).first().line, subject=9)
    report.case = Case.objects.get(pk=case.pk)
    with pytest.raises(report_encryption.Unreadable):
        scenes.from_escrow(report)
    for key in (canonical(order), canonical(other)):
        with pytest.raises(report_encryption.Unreadable):
            report_encryption.open_for_client(report, key)


def test_escrow_keys_rotate_newest_first(case, settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ESCROW_KEYS = [old]
    before = sealed(case)
    settings.ESCROW_KEYS = [new, old]
    after = sealed(case)
    assert scenes.from_escrow(before) == scenes.from_escrow(after) == TEXT
    settings.ESCROW_KEYS = [new]
    assert scenes.from_escrow(after) == TEXT
    with pytest.raises(report_encryption.Unreadable):
        scenes.from_escrow(before)


def test_a_published_report_survives_a_new_pepper_and_falls_with_a_retired_one(case, order, settings):
    settings.ORDER_KEY_PEPPERS = ["old"]
    report = sealed(case)
    report_encryption.admit_client(report, canonical(order))
    settings.ORDER_KEY_PEPPERS = ["new", "old"]
    assert report_encryption.open_for_client(report, canonical(order)) == TEXT
    settings.ORDER_KEY_PEPPERS = ["new"]
    with pytest.raises(report_encryption.Unreadable):
        report_encryption.open_for_client(report, canonical(order))


def test_a_manuscript_reads_back_whatever_is_in_it():
    for title, text in [("a", "b"), ("# #", "\n\n# x\n\n"), ("標題", "段\r\n\r\n落"), ("a  b\nc", "x")]:
        made = report_document.make(title, text)
        assert report_document.read(made.packed()) == made
        assert len(made.sha256) == 64


@pytest.mark.parametrize(
    ("text", "lang"),
    [("這是報告", "zh-Hant"), ("A report", "en"), ("Report 報告 about a home", "zh-Hant"), ("", "en")],
)
def test_the_language_of_an_old_version_is_told_from_its_letters(text, lang):
    assert report_document.make("", text).lang == lang
    assert report_document.make("", text, language="en").lang == "en"
