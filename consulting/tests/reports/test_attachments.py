"""Files of a report: sealed with its key, bound to their place, open to who may read it, to nobody else."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from checkout.intake.refused import Refused
from consulting import key_format, report_encryption
from consulting.keys import services as keys
from consulting.models import AccessLog, Case, Report, ReportFile
from consulting.reports import attachments, report_files
from consulting.reports import services as reports
from consulting.tests import documents, scenes
from consulting.tests.scenes import unlock

pytestmark = pytest.mark.django_db
NAME = "鰂魚涌 canary-name-3381.pdf"
CONTENT = documents.pdf()


def attach(case, author, content=CONTENT, name=NAME, **more):
    return attachments.attach(case, author=author, file=documents.sent(content, name), **more)


@pytest.fixture
def draft(case, consultant):
    reports.assign(case, consultant)
    reports.save_draft(case, author=consultant, title=scenes.TITLE, body=scenes.TEXT)
    return attach(case, consultant)


@pytest.fixture
def published(draft):
    return reports.publish(draft, actor="lin")


@pytest.fixture
def reader(client, order, published):
    assert unlock(client, scenes.key_of(order)).status_code == 302
    return client


def opened(report) -> report_encryption.Opened:
    return report_encryption.Opened(
        row := Report.objects.get(pk=report.pk), scenes.from_escrow(row), scenes.dek_of(row)
    )


def path_of(stored_as: str) -> Path:
    return Path(report_files.storage().path(stored_as))


def content_of(report, number: int = 1) -> bytes:
    has = opened(report)
    return b"".join(report_files.read(has, has.text.attachments[number - 1]))


def url(report, number: int = 1) -> str:
    return reverse("consulting:file_of_report", args=[report.case_id, report.version, number])


# --- at rest ---


def test_a_file_opens_for_its_client_and_for_the_consultant(published, order):
    key = keys.read_key(order.keys.get())
    has = report_encryption.admitted_by_key(Report.objects.get(pk=published.pk), key)
    assert b"".join(report_files.read(has, has.text.attachments[0])) == CONTENT == content_of(published)


def test_neither_name_nor_content_is_anywhere_in_clear(published, tmp_path):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r::text, f::text FROM consulting_report r JOIN consulting_reportfile f ON true"
        )
        stored = repr(cursor.fetchall())
    for path in (tmp_path / "reports").iterdir():
        stored += path.name + path.read_bytes().decode("latin-1")
    for canary in ("canary", "%PDF", "鰂魚涌", json.dumps("鰂魚涌")[1:-1], NAME.encode().hex()):
        assert canary not in stored


@pytest.mark.parametrize(
    "size",
    [
        0,
        1,
        report_encryption.PIECE - 1,
        report_encryption.PIECE,
        report_encryption.PIECE + 1,
        3 * report_encryption.PIECE,
    ],
)
def test_files_of_every_size_come_back_whole(case, size):
    report = Report(case=case, version=1)
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    file = report_files.keep(report, iter([content[:100], content[100:]]), name="n", kind="txt")
    has = report_encryption.Opened(report, None, scenes.dek_of(report))
    assert file.size == size
    assert b"".join(report_files.read(has, file)) == content


@pytest.mark.parametrize("change", ["flipped", "cut", "last piece lost", "pieces swapped", "longer", "empty"])
def test_an_altered_file_is_refused(case, change):
    report = Report(case=case, version=1)
    file = report_files.keep(report, iter([b"a" * (3 * report_encryption.PIECE)]), name="n", kind="txt")
    path, step, head = (
        path_of(file.stored_as),
        report_encryption.PIECE + report_encryption.TAG,
        report_encryption.PREFIX,
    )
    sealed = path.read_bytes()
    path.write_bytes(
        {
            "flipped": sealed[:500] + bytes([sealed[500] ^ 1]) + sealed[501:],
            "cut": sealed[:-1],
            "last piece lost": sealed[: head + 2 * step],
            "pieces swapped": sealed[:head]
            + sealed[head + step : head + 2 * step]
            + sealed[head : head + step]
            + sealed[head + 2 * step :],
            "longer": sealed + bytes(20),
            "empty": b"",
        }[change]
    )
    with pytest.raises(report_encryption.Unreadable):
        b"".join(report_files.read(report_encryption.Opened(report, None, scenes.dek_of(report)), file))


def test_files_moved_between_reports_versions_and_places_are_refused(case, order, consultant, draft):
    attach(case, consultant, documents.pdf(b"second"), "second.pdf")
    other_case = reports.assign(Case.objects.of(order).last(), consultant)
    other = attach(other_case, consultant, documents.pdf(b"of another person"), "other.pdf")
    first, second = opened(draft).text.attachments
    foreign = opened(other).text.attachments[0]
    sealed = {file.stored_as: path_of(file.stored_as).read_bytes() for file in (first, second, foreign)}
    for source in (second, foreign):
        path_of(first.stored_as).write_bytes(sealed[source.stored_as])
        with pytest.raises(report_encryption.Unreadable):
            content_of(draft)
    path_of(first.stored_as).write_bytes(sealed[first.stored_as])
    assert content_of(draft) == CONTENT


def test_a_file_does_not_open_with_the_key_of_another_report(case, order, consultant, draft):
    other = attach(reports.assign(Case.objects.of(order).last(), consultant), consultant, name="other.pdf")
    stranger = report_encryption.Opened(opened(other).report, opened(draft).text, opened(other).dek)
    with pytest.raises(report_encryption.Unreadable):
        b"".join(report_files.read(stranger, opened(draft).text.attachments[0]))


def test_rewrapping_the_one_key_is_enough_for_text_and_files(published, order):
    canonical = key_format.make()
    report_encryption.admit_client(published, canonical)
    has = report_encryption.admitted_by_key(published, canonical)
    assert has.text.title == scenes.TITLE
    assert b"".join(report_files.read(has, has.text.attachments[0])) == CONTENT


# --- versions and limits ---


def test_the_next_version_takes_the_files_along_sealed_anew(published, case, consultant):
    following = reports.save_draft(case, author=consultant, title=scenes.TITLE, body="corrected")
    old, new = opened(published).text.attachments[0], opened(following).text.attachments[0]
    assert (old.name, old.sha256) == (new.name, new.sha256)
    assert path_of(old.stored_as).read_bytes() != path_of(new.stored_as).read_bytes()
    assert content_of(published) == content_of(following) == CONTENT


def test_a_file_alone_begins_the_next_version_and_leaves_the_published_one(published, case, consultant):
    following = attach(case, consultant, name="second.pdf")
    assert following.version == 2
    assert [file.name for file in opened(following).text.attachments] == [NAME, "second.pdf"]
    assert [file.name for file in opened(published).text.attachments] == [NAME]
    attachments.detach(case, author=consultant, name=NAME)
    assert content_of(published) == CONTENT


def test_what_is_taken_out_of_a_draft_is_deleted(case, consultant, draft, django_capture_on_commit_callbacks):
    path = path_of(opened(draft).text.attachments[0].stored_as)
    with django_capture_on_commit_callbacks(execute=True):
        attachments.detach(case, author=consultant, name=NAME)
    assert not path.exists()
    assert not ReportFile.objects.exists()


def test_saving_the_text_again_keeps_the_files(case, consultant, draft):
    reports.save_draft(case, author=consultant, title="B", body="again")
    assert content_of(draft) == CONTENT


def test_there_are_at_most_ten_files_and_a_hundred_megabytes(case, consultant, draft, monkeypatch):
    for number in range(9):
        attach(case, consultant, name=f"{number}.pdf")
    with pytest.raises(Refused) as refusal:
        attach(case, consultant, name="11.pdf")
    assert "At most 10 files" in refusal.value.message
    attach(case, consultant, name="the report.pdf", is_report=True)
    monkeypatch.setattr(attachments, "MAX_TOTAL_MB", 0)
    with pytest.raises(Refused) as refusal:
        attach(case, consultant, name="the report.pdf", is_report=True)
    assert "together" in refusal.value.message
    assert len(report_files.storage().listdir("")[1]) == 11


def test_two_files_of_one_name_are_told_apart(case, consultant, draft):
    attach(case, consultant, name=NAME.upper().replace(".PDF", ".pdf"))
    names = [file.name for file in opened(draft).text.attachments]
    assert len({name.casefold() for name in names}) == 2


def test_a_full_disk_leaves_neither_row_nor_file(case, consultant, draft, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_encryption, "seal_file", full)
    before = Report.objects.get(pk=draft.pk).edit
    with pytest.raises(Refused) as refusal:
        attach(case, consultant, name="second.pdf")
    assert "just now" in refusal.value.message
    assert Report.objects.get(pk=draft.pk).edit == before
    assert len(report_files.storage().listdir("")[1]) == 1


def test_files_without_a_row_are_forgotten_after_a_day(draft, monkeypatch):
    path_of("orphan").write_bytes(b"x")
    report_files.forget_orphans()
    assert path_of("orphan").exists()
    monkeypatch.setattr(report_files, "ORPHAN_AGE", -report_files.ORPHAN_AGE)
    report_files.forget_orphans()
    assert not path_of("orphan").exists()
    assert content_of(draft) == CONTENT


# --- the pages ---


def test_the_client_saves_the_file_and_no_browser_runs_it(reader, published, case):
    page = reader.get(reverse("consulting:report", args=[case.pk])).content.decode()
    assert NAME in page
    assert url(published) in page
    response = reader.get(url(published))
    assert b"".join(response.streaming_content) == CONTENT
    assert response["Content-Type"] == "application/pdf"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert "no-store" in response["Cache-Control"]
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment; filename*=utf-8''%E9%B0%82")
    assert "canary" not in url(published)
    assert AccessLog.objects.filter(case=case, what="file").count() == 1


def test_strangers_and_other_orders_get_no_file(client, published, case, order):
    assert client.get(url(published)).url == reverse("consulting:unlock")
    unlock(client, scenes.key_of(scenes.paid_order()))
    assert client.get(url(published)).status_code == 404


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_file_that_is_not_there_is_not_found(reader, published, number):
    assert reader.get(url(published, number)).status_code == 404


def test_a_draft_has_no_files_for_the_client(reader, published, case, consultant):
    following = attach(case, consultant, name="secret draft.pdf")
    assert reader.get(url(following)).status_code == 404


def test_a_damaged_file_is_told_not_shown(reader, published):
    path_of(opened(published).text.attachments[0].stored_as).write_bytes(b"gone")
    response = reader.get(url(published))
    assert response.status_code == 503
    assert "cannot be opened at the moment" in response.content.decode()


def test_other_staff_get_no_file(client, published, merchant, colleague):
    address = reverse("consulting:report_file", args=[published.case_id, 1, 1])
    for user in (merchant, colleague):
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get(address).status_code == 403


def post(browser, case, action="save", **more):
    typed = {"title": "A", "body": "one", "language": "en", "seen": "", "action": action}
    return browser.post(reverse("consulting:case", args=[case.pk]), typed | more)


def file(content=CONTENT, name=NAME):
    return SimpleUploadedFile(name, content)


def test_text_and_files_are_saved_with_one_button(workspace, case, consultant):
    reports.assign(case, consultant)
    assert post(workspace, case, attachments=[file(), file(name="b.pdf")]).status_code == 302
    assert [file.name for file in scenes.from_escrow(reports.latest(case)).attachments] == [NAME, "b.pdf"]
    response = workspace.get(reverse("consulting:report_file", args=[case.pk, 1, 2]))
    assert b"".join(response.streaming_content) == CONTENT
    post(workspace, case, f"remove:{NAME}", seen=reports.latest(case).stamp)
    assert [file.name for file in scenes.from_escrow(reports.latest(case)).attachments] == ["b.pdf"]


def test_of_several_files_the_good_ones_and_the_text_are_kept(workspace, case, consultant):
    reports.assign(case, consultant)
    bad = file(b"<html>", "page.pdf")
    page = post(workspace, case, body="a long report", attachments=[file(), bad]).content.decode()
    assert "page.pdf: This file is not what its name says" in page
    assert "a long report" in page
    stamp = reports.latest(case).stamp
    assert f'value="{stamp}"' in page
    text = scenes.from_escrow(reports.latest(case))
    assert (text.text, [file.name for file in text.attachments]) == ("a long report", [NAME])
    assert post(workspace, case, body="a long report", seen=stamp).status_code == 302


def test_files_beside_a_text_that_is_not_right_are_asked_for_again(workspace, case, consultant):
    reports.assign(case, consultant)
    page = post(workspace, case, title="", body="a long report", attachments=[file()]).content.decode()
    assert "choose the files again" in page
    assert "a long report" in page
    assert not Report.objects.exists()


def test_a_pdf_can_be_the_report_itself(workspace, case, consultant, order, client):
    reports.assign(case, consultant)
    assert post(workspace, case, body="", report_pdf=file(name="outlook.pdf")).status_code == 302
    assert post(workspace, case, body="", report_pdf=file(name="new.pdf"), seen="1.2").status_code == 302
    draft = reports.latest(case)
    assert [(file.name, file.is_report) for file in scenes.from_escrow(draft).attachments] == [
        ("new.pdf", True)
    ]
    reports.publish(draft, actor="lin")
    unlock(client, scenes.key_of(order))
    page = client.get(reverse("consulting:report", args=[case.pk])).content.decode()
    assert "The report is this PDF" in page
    assert url(draft) in page


def test_what_is_no_pdf_cannot_be_the_report(workspace, case, consultant):
    reports.assign(case, consultant)
    page = post(workspace, case, report_pdf=file("筆記".encode(), "n.txt")).content.decode()
    assert "has to be a PDF" in page


def test_a_file_that_came_after_the_preview_is_not_published_unseen(case, consultant, draft):
    seen = Report.objects.get(pk=draft.pk).stamp
    attach(case, consultant, name="late.pdf")
    with pytest.raises(reports.NewerDraft):
        reports.publish(draft, actor="lin", seen=seen)
