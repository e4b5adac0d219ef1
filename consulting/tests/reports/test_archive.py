"""All reports in one zip: whole, named safely, and only for who may read them."""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from checkout.privacy import export
from consulting import report_encryption
from consulting.models import AccessLog, Case
from consulting.reports import archive, attachments, report_files
from consulting.reports import services as reports
from consulting.tests import documents, scenes
from consulting.tests.scenes import give_back, unlock

pytestmark = pytest.mark.django_db
URL = "consulting:download"


@pytest.fixture
def cases(order, consultant):
    """Two subjects, each with a report and a file."""
    cases = list(Case.objects.of(order))
    for case in cases:
        reports.assign(case, consultant)
        reports.save_draft(
            case, author=consultant, title="標題 <b>", body="## 一\n\n內文\n\n## 二\n\n文", language="zh-hant"
        )
        file = SimpleUploadedFile("平面圖.pdf", documents.pdf(str(case.subject).encode()))
        attachments.attach(case, author=consultant, file=file)
        reports.publish(reports.latest(case), actor="lin")
    return cases


@pytest.fixture
def reader(client, order, cases):
    unlock(client, scenes.key_of(order))
    return client


def unpacked(browser) -> zipfile.ZipFile:
    response = browser.get(reverse(URL))
    assert response["Content-Type"] == "application/zip"
    package = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert package.testzip() is None
    return package


def test_the_zip_holds_every_report_as_page_and_text_with_its_files(reader, cases, order):
    package = unpacked(reader)
    names = package.namelist()
    assert len(names) == len(set(names)) == 6
    for subject, folder in enumerate(sorted({name.split("/")[0] for name in names}), start=1):
        assert folder.endswith(f"({subject})")
        page = package.read(f"{folder}/Report.html").decode()
        assert '<article class="report" lang="zh-Hant">' in page
        assert "標題 &lt;b&gt;" in page
        assert 'href="Attachments/平面圖.pdf"' in page
        assert package.read(f"{folder}/Attachments/平面圖.pdf") == documents.pdf(str(subject).encode())
        text = package.read(f"{folder}/Report.md")
        assert hashlib.sha256(text).hexdigest() in page, "the printed fingerprint is of the text in the zip"
        assert not re.search(r"<script|https?://(?!www.w3.org)|/en/", page)
    assert all(info.flag_bits & 0x800 for info in package.infolist() if not info.filename.isascii())
    assert AccessLog.objects.filter(order=order, what="download").count() == 1


def test_what_may_not_be_read_is_not_in_it(reader, cases, order):
    reports.withdraw(cases[0], actor="lin", reason="x")
    assert {name.split("/")[0][-3:] for name in unpacked(reader).namelist()} == {"(2)"}
    give_back(order, order.total)
    assert reader.get(reverse(URL)).url == reverse("consulting:unlock")


def test_strangers_get_nothing_and_an_order_without_reports_says_so(client, order):
    assert client.get(reverse(URL)).url == reverse("consulting:unlock")
    unlock(client, scenes.key_of(order))
    response = client.get(reverse(URL), follow=True)
    assert "No report of this order is ready" in response.content.decode()
    assert reverse(URL) not in response.content.decode()


def test_the_index_offers_it_once_something_is_ready(reader):
    assert reverse(URL) in reader.get(reverse("consulting:index")).content.decode()


def test_what_does_not_open_is_named_instead(reader, cases):
    text = scenes.from_escrow(reports.latest(cases[0]))
    report_files.storage().discard([text.attachments[0].stored_as])
    package = unpacked(reader)
    assert "平面圖.pdf" in package.read("Not included.txt").decode()
    assert len(package.namelist()) == 6


def test_a_file_that_is_altered_midway_is_named_and_the_rest_is_there(reader, cases, order):
    """In the zip of reports and in the copy of everything; alone it has the page that says so."""
    report = reports.latest(cases[1])
    stored_as = scenes.from_escrow(report).attachments[0].stored_as
    size = report_encryption.PIECE + 1
    sealed = bytearray(b"".join(report_encryption.seal_file(report, stored_as, iter([b"x" * size]))))
    sealed[-1] ^= 1
    Path(report_files.storage().path(stored_as)).write_bytes(sealed)
    package = unpacked(reader)
    assert "(2)/Attachments/平面圖.pdf" in package.read("Not included.txt").decode()
    assert len(package.namelist()) == 6
    with zipfile.ZipFile(io.BytesIO(b"".join(export.bundle(order)))) as copy:
        assert copy.testzip() is None
        facts = json.loads(copy.read("order.json"))
        assert len(copy.namelist()) == 4
    [named] = facts["files_that_do_not_open"]
    assert named.endswith("2-v1/平面圖.pdf")
    assert reader.get(reverse("consulting:file_of_report", args=[cases[1].pk, 1, 1])).status_code == 503


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\x", "C__x"),
        ("con.pdf", "_con.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        (" .hidden. ", "hidden"),
        ("", "_"),
        ("家居(1)𠮷", "家居(1)𠮷"),
    ],
)
def test_a_name_is_never_a_path_a_device_or_hidden(name, expected):
    assert archive.safe(name) == expected
