"""A copy of everything, and erasure: by the order's mailbox, deferred while something is unsettled."""

import datetime as dt
import html
import io
import json
import re
import zipfile

import pytest
from django.apps import apps
from django.urls import reverse
from django.utils import timezone

from checkout.models import EmailCorrection, Intake, Order, PrivacyRequest, Upload
from checkout.orders import cancellations, corrections
from checkout.privacy import erasure
from checkout.privacy import requests as privacy_requests
from checkout.shipping import fulfilment
from checkout.tests.scenes import make_cart, make_goods, place
from consulting import case_messages
from consulting.keys import lifecycle
from consulting.models import AccessLog, Case, Message, Report
from consulting.tests import scenes
from consulting.tests.scenes import unlock
from payments.models import GatewayEvent, Payment, Refund
from shop import clock
from shop.devstack import failpoints
from shop.models import AuditEntry, OutboxMessage
from shop.tests.harness.clock import later
from shop.web import large_answers

pytestmark = [pytest.mark.django_db, pytest.mark.failure("F79")]
CANARIES = [scenes.EMAIL, "Mei Chan", "+85291234567", "1 Nathan Road", "canary-card", "canary-message"]
SEALED = [scenes.ANSWER, scenes.CONTACT, scenes.TEXT, scenes.TITLE, "canary-message", "canary-reason"]


@pytest.fixture
def order(db):
    """Tea, sent, and a report, published, with a message and a declined request to cancel."""
    order = scenes.paid_order(subjects=1, goods=1)
    Order.objects.filter(pk=order.pk).update(card_text="canary-card")
    request = cancellations.request_cancellation(order.pk, reason="canary-reason")
    cancellations.decline(request, actor="mei", answer="It is sent today.")
    left = {line.pk: quantity for line, quantity in fulfilment.left_to_ship(order).items()}
    fulfilment.ship(order.pk, carrier="sf", tracking_number="SF1", quantities=left, actor="packer")
    case = Case.objects.of(order).get()
    scenes.published(case, scenes.writer())
    case_messages.write_to_consultant(case, text="canary-message")
    order.refresh_from_db()
    return order


@pytest.fixture
def reader(client, order):
    """The client's browser, behind the order key."""
    unlock(client, scenes.key_of(order))
    return client


@pytest.fixture
def link(reader, order, mailoutbox, deliver_outbox):
    """Asks on the page; the link that comes by mail."""

    def ask(kind):
        OutboxMessage.objects.all().delete()
        mailoutbox.clear()
        assert reader.post(reverse("checkout:privacy", args=[order.token]), {"kind": kind}).status_code == 302
        deliver_outbox()
        (mail,) = mailoutbox
        assert mail.to == [scenes.EMAIL]
        return re.search(r"http\S+(/en/orders/privacy/\S+)", mail.body)[1]

    return ask


def confirm(reader, link):
    assert "Erase for good?" in reader.post(link, {"step": "1"}).content.decode()
    assert "nothing was erased" in reader.post(link, {"step": "2"}).content.decode()
    return reader.post(link, {"step": "2", "sure": "on"})


def test_an_erasure_whose_worker_died_is_done_by_the_next(reader, link, order, deliver_outbox, monkeypatch):
    class Killed(BaseException):
        pass

    def reached(name):
        if name == "before_erasure_committed":
            raise Killed

    confirm(reader, link("erasure"))
    request = PrivacyRequest.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reached", reached)
        with pytest.raises(Killed):
            erasure.carry_out(request.pk)
    order.refresh_from_db()
    assert order.erased_at is None, "all or nothing"
    assert scenes.TEXT in everything()
    assert erasure.carry_out(request.pk)
    assert not erasure.carry_out(request.pk), "once"
    assert scenes.TEXT not in everything()


def downloads(reader, link) -> bool:
    answer = reader.post(link)
    return answer.streaming and bool(b"".join(answer))


def everything() -> str:
    """All rows of all tables as text, with what is sealed opened."""
    found = []
    for model in apps.get_models():
        for row in model._default_manager.all():
            found.append(repr([getattr(row, field.attname) for field in row._meta.concrete_fields]))
            if isinstance(row, Message):
                found.append(row.text)
            if isinstance(row, Report) and row.body and (text := scenes.from_escrow(row)):
                found += [text.title, text.text]
    return "\n".join(found)


def test_the_copy_holds_everything_and_needs_the_mailbox(reader, order, link):
    page = reader.get(reverse("checkout:privacy", args=[order.token])).content.decode()
    assert "Have a copy" in page
    url = link("export")
    for _ in range(3):
        assert "Download the copy" in reader.get(url).content.decode()
    assert not AccessLog.objects.filter(what="copy").exists(), "opening the link does nothing"
    answer = reader.post(url)
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == f'attachment; filename="order-{order.number}.zip"'
    assert "no-store" in answer["Cache-Control"]
    content = io.BytesIO(b"".join(answer))
    with zipfile.ZipFile(content) as archive:
        text = archive.read("order.json").decode()
        report = archive.read("reports/2-1-v1.md").decode()
    for canary in [*CANARIES, scenes.ANSWER.partition(" ")[0], scenes.CONTACT, "canary-reason"]:
        assert canary in text
    assert scenes.TEXT in report
    assert json.loads(text)["order"]["number"] == order.number
    assert scenes.key_of(order) not in text
    assert AccessLog.objects.filter(what="copy", order=order).exists()


def test_the_link_is_good_for_one_download_and_a_day(reader, link, monkeypatch):
    used, unused = link("export"), link("export")
    assert downloads(reader, used)
    later(monkeypatch, minutes=14)
    assert downloads(reader, used), "it may have broken off"
    later(monkeypatch, minutes=2)
    assert reader.post(used).status_code == 410
    later(monkeypatch, hours=23)
    assert reader.get(unused).status_code == 200
    later(monkeypatch, hours=1)
    assert reader.get(unused).status_code == 410
    assert reader.get(unused[:-2] + "x/").status_code == 410


def test_the_copy_tells_of_staff_what_the_page_tells_and_nobody_reads_a_sign_in_name(reader, order, link):
    scenes.staff("lin-login", first_name="Lin")
    known = {"order": order, "case": Case.objects.get(), "at": clock.now()}
    AccessLog.objects.create(what=AccessLog.What.ANSWERS, who="lin-login", **known)
    AuditEntry.objects.create(  # a page that was answered, though the trail calls the deed another
        at=clock.now(), actor="root-login", deed=AuditEntry.Deed.SENT, status=200,
        page="admin:checkout_order_change", subject="checkout.order", order_number=order.number,
    )  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(b"".join(reader.post(link("export"))))) as archive:
        told = json.loads(archive.read("order.json"))["access_log"]
        assert [name for name in archive.namelist() if b"-login" in archive.read(name)] == []
    page = html.unescape(reader.get(reverse("consulting:access_log")).content.decode())
    assert {"Consultant Lin", "The shop's staff"} <= {line["who"] for line in told}
    assert [line for line in told if line["what"] not in page or line["who"] not in page] == []


def test_one_link_is_good_for_three_copies(reader, link):
    url, other = link("export"), link("export")
    assert [downloads(reader, url) for _ in range(3)] == [True] * 3
    refused = reader.post(url)
    assert refused.status_code == 429
    until = clock.next_full_minute(clock.now() + dt.timedelta(minutes=60))
    for page, told in [(refused, f"{timezone.localtime(until):%H:%M}"), (refused, "ask for a new one")]:
        assert told in page.content.decode()
    assert "訂單頁面要求新的連結" in reader.post(url.replace("/en/", "/zh-hant/")).content.decode()
    assert downloads(reader, other)


def test_one_copy_is_made_at_a_time_and_who_is_told_to_wait_has_lost_nothing(reader, link, monkeypatch):
    monkeypatch.setattr(large_answers, "PATIENCE", 0.0)
    url = link("export")
    begun = reader.post(url)
    for language, told in {"en": "download the file again", "zh-hant": "屆時再下載檔案"}.items():
        for _ in range(3):  # more than the link is good for
            refused = reader.post(url.replace("/en/", f"/{language}/"))
            assert (refused.status_code, "Retry-After" in refused) == (503, True)
            assert told in refused.content.decode()
    assert b"".join(begun)
    assert downloads(reader, url)


def test_strangers_can_neither_ask_nor_use_the_link(client, order, link):
    url = link("export")
    stranger = client.__class__()
    page = reverse("checkout:privacy", args=[order.token])
    assert stranger.post(page, {"kind": "erasure"})["Location"] == order.get_absolute_url()
    assert PrivacyRequest.objects.filter(kind="erasure").count() == 0
    refused = stranger.post(url)
    assert refused.status_code == 403
    assert scenes.EMAIL not in refused.content.decode()


def test_only_a_few_links_are_mailed_an_hour(reader, order):
    for _ in range(6):
        reader.post(reverse("checkout:privacy", args=[order.token]), {"kind": "export"})
    assert PrivacyRequest.objects.count() == 3
    reader.post(reverse("checkout:privacy", args=[order.token]), {"kind": "x"})
    assert PrivacyRequest.objects.count() == 3


def test_after_two_confirmations_the_worker_erases_and_the_canaries_are_gone(
    reader, order, link, mailoutbox, deliver_outbox
):
    before = everything()
    assert [canary for canary in [*CANARIES, *SEALED] if canary not in before] == []
    url = link("erasure")
    assert "What is erased" in reader.get(url).content.decode()
    assert confirm(reader, url).status_code == 302
    assert Order.objects.get().email, "the worker does it"
    mailoutbox.clear()
    deliver_outbox()
    (mail,) = [mail for mail in mailoutbox if "is erased" in mail.subject]
    assert mail.to == [scenes.EMAIL]
    order.refresh_from_db()
    assert order.erased_at
    after = everything()
    assert [canary for canary in [*CANARIES, *SEALED] if canary in after] == []
    assert (order.total, order.region, order.lines.count()) == (Order.objects.get().total, "HK", 2)
    assert order.total > 0
    report = Report.objects.get()
    assert {bytes(report.body), bytes(report.escrow_wrap), bytes(report.client_wrap)} == {b""}

    page = reader.get(reverse("consulting:index"), follow=True).content.decode()
    assert "Everything personal in this order was erased; its reports are gone for good." in page
    assert (
        "Everything personal in this order was erased."
        in reader.get(order.get_absolute_url()).content.decode()
    )
    assert reader.get(url).status_code == 410


def test_the_address_from_before_a_correction_is_erased_too(order):
    corrections.readdress(Order.objects.lock(order.pk), "mei@new.example", actor="mei")
    assert EmailCorrection.objects.get().old_email == scenes.EMAIL  # until the old mailbox has been told
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    erasure.confirm(request)
    assert erasure.carry_out(request.pk)
    assert EmailCorrection.objects.get().old_email == ""


def test_erasing_again_changes_nothing_and_later_mails_go_nowhere(order, mailoutbox, deliver_outbox):
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    erasure.confirm(request)
    erasure.confirm(request)
    assert erasure.carry_out(request.pk)
    assert not erasure.carry_out(request.pk)
    assert order.events.filter(fact="erased").count() == 1
    OutboxMessage.objects.all().delete()
    OutboxMessage.objects.create(
        key="x", topic="mail.order_confirmation", payload={"order_id": order.pk}, due_at=clock.now()
    )
    mailoutbox.clear()
    deliver_outbox()
    assert mailoutbox == []
    assert OutboxMessage.objects.get().delivered_at


def test_what_waits_about_an_erased_order_comes_to_its_end(order, mailoutbox, deliver_outbox):
    lifecycle.resend(order.keys.get(), actor="mei")
    OutboxMessage.objects.filter(delivered_at=None).update(due_at=clock.now())
    erasure.erase(Order.objects.lock(order.pk))
    deliver_outbox()
    left = OutboxMessage.objects.filter(delivered_at=None)
    assert {"mail.order_key", "message.written"} <= set(OutboxMessage.objects.values_list("topic", flat=True))
    assert [(each.topic, each.last_error) for each in left] == []
    assert [mail for mail in mailoutbox if scenes.EMAIL in mail.to] == []


def test_files_go_from_the_folder_too(order, django_capture_on_commit_callbacks):
    from checkout.intake import uploads

    uploads.write_sealed("canary-file", b"plan")
    upload = Upload.objects.create(
        field="plan",
        name="plan.pdf",
        kind="pdf",
        size=4,
        stored_as="canary-file",
        uploaded_at=clock.now(),
        draft=order.draft,
    )
    upload.intakes.add(Intake.objects.filter(line__order=order).first())
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase(Order.objects.lock(order.pk))
    assert not Upload.objects.exists()
    assert not uploads.storage().exists("canary-file")


def unsettled(order, what):
    payment = {"order": order, "amount": order.total, "currency": "HKD", "started_at": clock.now()}
    match what:
        case "open case":
            Case.objects.update(state="writing")
        case "refund":
            paid = Payment.objects.create(**payment, method="paypal", reference="R1", status="captured")
            Refund.objects.create(payment=paid, amount=1, started_at=clock.now())
        case "dispute":
            Order.objects.update(is_disputed=True)
        case "payment":
            Payment.objects.create(**payment, method="paypal", reference="R2", status="awaiting")


def settle(what):
    Case.objects.update(state="ready")
    Refund.objects.update(status="done")
    Order.objects.update(is_disputed=False)
    Payment.objects.update(status="captured")


@pytest.mark.parametrize("what", ["open case", "refund", "dispute", "payment"])
def test_an_unsettled_order_is_erased_once_it_is_settled(order, what, deliver_outbox):
    unsettled(order, what)
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    erasure.confirm(request)
    deliver_outbox()
    order.refresh_from_db()
    assert order.erased_at is None
    assert len(erasure.obstacles(order)) == 1
    settle(what)
    from checkout.tasks import erase_confirmed

    erase_confirmed()
    order.refresh_from_db()
    assert order.erased_at


def test_unsent_goods_and_unpaid_orders_wait_too(db):
    unpaid = place(make_cart((make_goods(), 1)))
    assert "waits for its payment" in erasure.obstacles(unpaid)[0]
    sent_later = scenes.paid_order(subjects=0, goods=1)
    assert "have not been sent yet" in erasure.obstacles(sent_later)[0]


def test_what_a_payment_service_wrote_about_the_buyer_goes_with_the_order(order):
    payment = Payment.objects.create(
        order=order,
        amount=1,
        currency="HKD",
        started_at=clock.now(),
        method="paypal",
        reference="R3",
        status="captured",
    )
    GatewayEvent.objects.create(
        gateway="paypal",
        event_id="1",
        body=b"canary-payer",
        headers={"a": "b"},
        received_at=clock.now(),
        payment=payment,
    )
    erasure.erase(Order.objects.lock(order.pk))
    event = GatewayEvent.objects.get()
    assert (bytes(event.body), event.headers) == (b"", {})
