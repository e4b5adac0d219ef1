"""Files: judged by their content, cleaned, sealed, kept across errors, shown to few, forgotten in time."""

import datetime as dt
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from PIL import Image

from catalog.models import IntakeQuestion
from checkout.intake import uploads
from checkout.intake.pdf_passwords import needs_password
from checkout.models import Draft, Order, Upload
from checkout.tests import files
from checkout.tests.intake_scenes import checkout, order_of, page_of
from checkout.tests.scenes import add, pay
from shop import clock
from shop.tests.harness.leaks import find_leaks
from shop.web import upload_handler

pytestmark = pytest.mark.django_db
URL = "/en/checkout/"
PDFS = Path(__file__).with_name("pdfs")  # made with pypdf 6: 5 ways to encrypt, with and without a password
LOCKED, OPEN = (sorted(PDFS.glob(f"{kind}-*.pdf")) for kind in ("locked", "open"))


def send(client, service, *contents, names=("plan.pdf",), **changes):
    """Send the checkout's form with files in it."""
    given = [
        files.sent(content, names[at] if at < len(names) else f"plan{at}.pdf")
        for at, content in enumerate(contents)
    ]
    return checkout(client, service, **{f"v{service.pk}-1-plan": given}, **changes)


def stored() -> list[str]:
    return uploads.storage().listdir("")[1]


def path_of(name: str) -> Path:
    return Path(uploads.storage().path(name))


# --- judged ---


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"", "empty.pdf", "This file is empty."),
        (b"%PDF-1.4\n" + b"x" * 1024 * 1024 + b"%%EOF", "big.pdf", "larger than 1 MB"),
        (b"%PDF-1.4\n" + b"x" * 50 * 1024 * 1024, "huge.pdf", "larger than 1 MB"),
        (b"<script>alert(1)</script>", "page.pdf", "not a file of a kind we can use"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing.png", "This is an SVG drawing"),
        (files.picture("WEBP"), "photo.jpg", "This is a WebP picture. Please save it as PDF, JPEG, PNG and"),
        (b"\0\0\0\x20ftypavif....", "photo.jpg", "This is an AVIF picture"),
        (b"PK\x03\x04..word/document.xml", "plan.pdf", "This is a Word document"),
        (b"\n<!DOCTYPE html><html>", "plan.pdf", "This is a web page"),
        (LOCKED[0].read_bytes(), "plan.pdf", "asks for a password before it opens. Please save it without"),
        (b"MZ\x90\0", "setup.jpg", "not a file of a kind"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 50, "photo.jpg", "HEIC photos cannot be opened everywhere"),
        (b"%PDF-1.4\nbroken off", "half.pdf", "damaged or incomplete"),
        (files.picture()[:300], "half.jpg", "damaged or incomplete"),
        (files.picture("PNG")[:60], "half.png", "damaged or incomplete"),
        (b"\xff\xd8\xff" + os.urandom(500), "noise.jpg", "damaged or incomplete"),
        (files.bomb(), "bomb.png", "too many pixels"),
        (b"GIF89a" + b"\0" * 40, "moving.gif", "Please save it as PDF, JPEG, PNG and choose"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_what_cannot_be_used_is_told_at_the_field_and_the_rest_is_kept(client, service, content, name, told):
    add(client, service)
    response = send(client, service, content, names=[name])
    page = response.content.decode()
    assert response.status_code == 200
    assert told in page
    assert name in page
    assert f'href="#id_v{service.pk}-1-plan"' in page, "the summary leads to the field"
    assert 'value="mei@example.com"' in page, "nothing typed is lost"
    assert not Order.objects.exists()
    assert not Upload.objects.exists()
    assert stored() == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../etc/passwd", "passwd.pdf"),
        ("..\\..\\boot.ini", "boot.ini.pdf"),
        ("plan.php", "plan.php.pdf"),
        ("plan.PDF", "plan.PDF"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie_ x=1.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe.pdf"),
        ('"><img src=x>.pdf', "___img src=x_.pdf"),
        ("鰂魚涌𠮷.pdf", "鰂魚涌𠮷.pdf"),
        (".pdf", "pdf.pdf"),
        ("", "file.pdf"),
        ("x" * 300 + ".pdf", "x" * 96 + ".pdf"),
        ("CON\0.pdf", "CON.pdf"),
    ],
)
def test_a_hostile_name_becomes_a_harmless_one(typed, kept):
    assert uploads.clean_name(typed, "pdf") == kept


def test_a_picture_is_written_anew_upright_and_without_what_the_camera_told():
    for kind in ("JPEG", "PNG"):
        original = files.picture(kind, orientation=6)
        assert files.PLACE in original
        name, content = uploads.examine(files.sent(original, "photo.jpg"), {})
        assert name == kind.lower()
        assert files.PLACE not in content
        with Image.open(BytesIO(content)) as image:
            assert image.size == (20, 40)
            assert not image.getexif()


def test_a_pdf_that_readers_open_is_taken_without_what_surrounds_it():
    for content in files.surrounded(files.pdf()):
        assert uploads.examine(files.sent(content), {}) == ("pdf", files.pdf())


def test_a_pdf_is_never_asked_for_a_pdf():
    with pytest.raises(uploads.Refused) as refusal:
        uploads.examine(files.sent(b"x" * 2000 + files.pdf()), {})
    assert "PDF" not in refusal.value.message


def test_more_files_than_asked_for_are_refused_one_by_one(client, service):
    add(client, service)
    page = send(client, service, files.pdf(), files.pdf(), files.pdf()).content.decode()
    assert "At most 2 files can be kept here." in page
    assert Upload.objects.count() == 2


def test_a_file_that_is_too_many_is_not_even_opened(client, service, monkeypatch):
    add(client, service)
    send(client, service, files.pdf(), files.pdf(), action="upload")
    monkeypatch.setattr(uploads, "examine", None)
    page = send(client, service, files.picture()).content.decode()
    assert "At most 2 files can be kept here." in page


def test_what_no_room_is_left_for_does_not_break_the_form(client, service, media):
    media.mkdir()
    uploads.storage().location.write_text("a file where the folder should be")
    add(client, service)
    response = send(client, service, files.pdf())
    assert response.status_code == 200
    assert "We cannot keep this file just now." in response.content.decode()
    assert not Upload.objects.exists()


def test_one_network_cannot_fill_the_disk(client, service, monkeypatch):
    monkeypatch.setattr(uploads, "PER_NETWORK", replace(uploads.PER_NETWORK, limit=1))
    add(client, service)
    page = send(client, service, files.pdf(), files.pdf()).content.decode()
    assert "Too many files came from your network." in page
    assert Upload.objects.count() == 1


def test_one_request_cannot_fill_the_memory(client, service, monkeypatch):
    monkeypatch.setattr(upload_handler, "MAX_REQUEST_BYTES", 100_000)
    add(client, service)
    large = b"%PDF-1.4\n" + b"x" * 80_000 + b"\n%%EOF"
    page = send(client, service, large, large).content.decode()
    assert page.count("too many large files at once") == 2  # in the summary and at the field
    assert Upload.objects.count() == 1


# --- kept ---


def test_a_file_stays_across_errors_and_goes_into_the_order(client, service):
    add(client, service)
    page = send(client, service, files.pdf(), email="wrong").content.decode()
    assert "plan.pdf" in page
    assert "Remove plan.pdf" in page
    order = order_of(checkout(client, service))
    (answer,) = order.lines.get().intakes.get(subject=1).answers
    upload = Upload.objects.get()
    assert answer["value"] == [{"id": upload.pk, "name": "plan.pdf", "size": upload.size}]
    assert list(order.lines.get().intakes.get(subject=1).uploads.all()) == [upload]
    assert uploads.read(upload) == files.pdf()


def test_without_scripts_a_file_is_sent_and_removed_by_buttons(
    client, service, django_capture_on_commit_callbacks
):
    add(client, service)
    page = send(client, service, files.pdf(), action="upload", email="").content.decode()
    assert "plan.pdf" in page
    assert "Please enter your e-mail address." not in page, "an upload judges nothing else"
    page = send(client, service, b"<html>", names=["page.pdf"], action="upload").content.decode()
    assert "This is a web page." in page
    with django_capture_on_commit_callbacks(execute=True):
        page = checkout(client, service, remove_upload=str(Upload.objects.get().pk)).content.decode()
    assert "Remove plan.pdf" not in page
    assert stored() == []
    assert "Please answer this question." in checkout(client, service).content.decode()


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "1 OR 1=1"])
def test_a_strange_wish_to_remove_a_file_changes_nothing(client, service, value):
    add(client, service)
    send(client, service, files.pdf(), action="upload")
    assert checkout(client, service, remove_upload=value).status_code == 200
    assert Upload.objects.count() == 1


def test_nobody_removes_or_orders_the_file_of_another_cart(client, service):
    add(client, service)
    send(client, service, files.pdf(), action="upload")
    stranger = Client()
    add(stranger, service)
    checkout(stranger, service, remove_upload=str(Upload.objects.get().pk))
    assert Upload.objects.count() == 1
    assert "plan.pdf" not in page_of(stranger)


def test_a_file_taken_out_of_the_cart_stays_with_the_order_that_was_made_of_it(
    client, service, django_capture_on_commit_callbacks
):
    add(client, service)
    order = order_of(send(client, service, files.pdf()))
    with django_capture_on_commit_callbacks(execute=True):
        checkout(client, service, remove_upload=str(Upload.objects.get().pk))
    assert "Remove plan.pdf" not in page_of(client)
    assert order.lines.get().intakes.get(subject=1).uploads.count() == 1
    assert len(stored()) == 1


def test_a_new_revision_of_the_order_keeps_its_files(client, service):
    add(client, service)
    first = order_of(send(client, service, files.pdf()))
    second = order_of(checkout(client, service, email="other@example.com"))
    assert (first.pk, second.revision) == (second.pk, 2)
    assert second.lines.get().intakes.get(subject=1).uploads.count() == 1


# --- shown ---


def test_only_the_browser_of_the_order_gets_the_file_and_only_to_save(client, service):
    add(client, service)
    order = order_of(send(client, service, files.pdf(), names=["鰂魚涌.pdf"]))
    url = f"/en/order/{order.token}/file/{Upload.objects.get().pk}/"
    response = client.get(url)
    assert response.content == files.pdf()
    assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''%E9%B0%82")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert Client().get(url).status_code == 404
    add(stranger := Client(), service)
    other = order_of(send(stranger, service, files.pdf()))
    assert stranger.get(f"/en/order/{other.token}/file/{Upload.objects.first().pk}/").status_code == 404
    page = client.get(f"/en/order/{order.token}/").content.decode()
    assert "鰂魚涌.pdf" in page
    assert "鰂魚涌.pdf" not in Client().get(f"/en/order/{order.token}/").content.decode()


def test_a_file_that_is_missing_or_damaged_has_a_page_that_says_so(client, service):
    add(client, service)
    order = order_of(send(client, service, files.pdf()))
    upload = Upload.objects.get()
    urls = [f"/{language}/order/{order.token}/file/{upload.pk}/" for language in ("en", "zh-hant")]
    uploads.storage().replace(upload.stored_as, b"gAAAA-not-to-be-opened")
    damaged = [client.get(url) for url in urls]
    uploads.storage().discard([upload.stored_as])
    for answers in (damaged, [client.get(url) for url in urls]):
        assert [answer.status_code for answer in answers] == [503, 503]
        for answer, told in zip(answers, ("contact customer service", "請聯絡客戶服務"), strict=True):
            assert told in answer.content.decode()
            assert "attachment" not in answer.get("Content-Disposition", "")


# --- forgotten ---


def test_files_without_an_order_are_deleted_after_a_day_and_others_are_not(
    client, service, django_capture_on_commit_callbacks
):
    add(client, service)
    order_of(send(client, service, files.pdf()))
    other = Client()
    add(other, service)
    send(other, service, files.pdf(), action="upload")
    abandoned = Upload.objects.last()
    lost = path_of("without-a-row")
    lost.write_bytes(b"x")
    yesterday = clock.now() - dt.timedelta(hours=25)
    Upload.objects.update(uploaded_at=yesterday)
    for name in stored():
        os.utime(path_of(name), (yesterday.timestamp(), yesterday.timestamp()))
    with django_capture_on_commit_callbacks(execute=True):
        uploads.forget_orphans()
    assert Upload.objects.filter(pk=abandoned.pk).exists(), "somebody worked on its draft today"
    assert not lost.exists()
    Draft.objects.update(updated_at=yesterday)
    with django_capture_on_commit_callbacks(execute=True):
        uploads.forget_orphans()
    assert Upload.objects.count() == 1
    assert len(stored()) == 1


def test_no_draft_keeps_a_file_for_good_however_often_it_is_worked_on(client, service, monkeypatch):
    """And what a form has taken is not deleted from under the order that is just being placed."""
    add(client, service)
    send(client, service, files.pdf(), action="upload")
    begin = clock.now()
    seen = []
    for hours in (60, 71, 72.1, 72.9, 73.1):
        monkeypatch.setattr(clock, "now", lambda hours=hours: begin + dt.timedelta(hours=hours))
        checkout(client, service, action="keep")
        Draft.objects.update(updated_at=clock.now())
        uploads.forget_orphans()
        shown = "Remove plan.pdf" in client.get(URL).content.decode()
        seen.append((shown, Upload.objects.count()))
    assert seen == [(True, 1), (True, 1), (False, 1), (False, 1), (False, 0)]
    send(client, service, files.pdf(), action="upload")
    assert Upload.objects.count() == 1, "it can be sent again"


# --- sealed ---


@pytest.mark.django_db(transaction=True)  # the search reads what is committed
def test_neither_answers_nor_files_lie_anywhere_in_plain(client, service, media):
    IntakeQuestion.objects.create(
        product=service.product, key="name", label_zh_hant="姓名", label_en="Name", position=2
    )
    add(client, service)
    canaries = ["canary-answer-5150", "canary-contact-9313", "canary-plan-3310", "canary-name-77"]
    typed = {f"v{service.pk}-1-name": canaries[0], f"v{service.pk}-contact_name": canaries[1]}
    names = ["canary-name-77.pdf"]
    send(client, service, files.pdf(canaries[2]), names=names, action="upload", **typed)
    assert leaks_in(media, canaries) == []
    pay(order_of(checkout(client, service, **typed)))
    assert leaks_in(media, canaries) == []
    path_of("planted").write_text(canaries[0])
    assert leaks_in(media, canaries) != [], "the search finds what is there"


def leaks_in(media, canaries) -> list[str]:
    where = connection.settings_dict
    address = f"{where['USER']}:{where['PASSWORD']}@{where['HOST']}:{where['PORT']}/{where['NAME']}"
    stack = SimpleNamespace(var=media, database_url=f"postgres://{address}", redis_url="")
    return find_leaks(stack, canaries)


def test_a_pdf_that_only_forbids_printing_is_taken_and_one_with_a_password_is_not():
    assert [path.name for path in LOCKED if not needs_password(path.read_bytes())] == []
    assert [path.name for path in OPEN if needs_password(path.read_bytes())] == []
    assert (len(LOCKED), len(OPEN)) == (5, 5)
    for nonsense in (
        b"/Encrypt 5 0 R",
        b"/Encrypt << /Filter /Standard /R 9 /U (",
        b"/Encrypt <</Standard /R 3 /U <zz>>>",
    ):
        assert not needs_password(nonsense)  # readers will see
