"""What may follow after payment: asked for by mail and on the order's page, kept in part, complete once."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from catalog.models import IntakeQuestion
from checkout.intake import answers as intake
from checkout.models import Order, Upload
from checkout.shipping import fulfilment
from checkout.tests import files
from checkout.tests.intake_scenes import checkout, order_of, question
from checkout.tests.scenes import add, make_service, pay
from shop import clock
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db
Kind = IntakeQuestion.Kind
CANARY = "canary-father-4471"


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def service():
    """Asks for a name; a father, about whom one must have asked, and a plan may follow."""
    variant = make_service()
    question(variant, "father", is_required=True, may_follow=True, is_third_person=True)
    question(variant, "plan", Kind.FILE, is_required=True, may_follow=True, options={"most": 2})
    return variant


def place(client, service, *, subjects=1) -> Order:
    add(client, service, subjects)
    typed = {}
    for number in range(1, subjects + 1):
        name = f"v{service.pk}-{number}-"
        typed |= {f"{name}name": "Mei", f"{name}father.later": "on", f"{name}plan.later": "on"}
    return order_of(checkout(client, service, **typed))


def details_url(order) -> str:
    return f"/en/order/{order.token}/details/"


def post(client, order, **typed):
    """``father`` is typed about the first subject, ``s2_father`` about the second."""
    subjects = list(intake.Intake.objects.filter(line__order=order, subject__gt=0).order_by("subject"))
    data = {}
    for name, value in typed.items():
        number, field = (int(name[1]), name[3:]) if name.startswith("s2_") else (1, name)
        data[f"i{subjects[number - 1].pk}-{field}"] = value
    return client.post(details_url(order), data)


def keys(order) -> list[tuple[int, str]]:
    return [(missing.subject, missing.key) for missing in intake.missing_answers(order)]


def completed() -> list[dict]:
    return [row.payload for row in OutboxMessage.objects.filter(topic="intake.completed")]


def test_an_order_knows_what_is_missing_of_each_subject(client, service):
    order = place(client, service, subjects=2)
    assert keys(order) == [(1, "father"), (1, "plan"), (2, "father"), (2, "plan")]
    [first, *_] = intake.missing_answers(order)
    assert (first.line, first.label) == (order.lines.get(), "father?")


def test_the_page_of_the_missing_details_is_for_the_browser_that_paid(client, service):
    order = place(client, service)
    assert client.get(details_url(order)).url == order.get_absolute_url(), "not before it is paid"
    pay(order)
    page = client.get(order.get_absolute_url()).content.decode()
    assert "Please add your details" in page
    assert details_url(order) in page
    assert client.get(details_url(order)).status_code == 200
    stranger = Client()
    assert "Please add your details" not in stranger.get(order.get_absolute_url()).content.decode()
    assert stranger.get(details_url(order)).status_code == 302
    assert stranger.post(details_url(order), {}).status_code == 302
    assert len(keys(order)) == 2


def test_answers_come_in_bit_by_bit_and_the_last_one_is_told_once(client, service):
    order = pay(place(client, service))
    response = post(client, order, father=CANARY, **{"father.consent": "on"})
    assert response.url == details_url(order)
    assert keys(order) == [(1, "plan")]
    assert completed() == []
    page = client.get(details_url(order)).content.decode()
    assert "Answers still missing: 1." in page
    assert "father" not in page
    response = post(client, order, plan=files.sent(files.pdf()))
    assert response.url == order.get_absolute_url()
    assert keys(order) == []
    assert completed() == [{"line_id": order.lines.get().pk}]
    assert "Your details are complete." in client.get(order.get_absolute_url()).content.decode()
    assert client.get(details_url(order)).status_code == 302
    answers = {answer["key"]: answer for answer in order.lines.get().intakes.get(subject=1).answers}
    assert answers["father"]["value"] == CANARY
    assert answers["father"]["consent"]["at"]
    assert answers["plan"]["value"][0]["id"] == Upload.objects.get().pk
    assert order.lines.get().intakes.get(subject=1).typed == {}


def test_what_is_half_done_is_kept_as_it_was_typed_and_nothing_right_is_lost_by_it(client, service):
    question(service, "born", Kind.DATE, is_required=True, may_follow=True, options={"lunar": True})
    add(client, service)
    name = f"v{service.pk}-1-"
    later = {f"{name}{key}.later": "on" for key in ("father", "plan", "born")}
    order = pay(order_of(checkout(client, service, **{f"{name}name": "Mei"}, **later)))
    typed = {"father": CANARY, "father.consent": "on", "born.year": "1990", "born.month": "2"}
    page = post(client, order, **typed).content.decode()
    assert "Please enter year, month and day." in page
    assert keys(order) == [(1, "plan"), (1, "born")], "the father is stored all the same"
    form = client.get(details_url(order)).context["forms"][0]
    assert [form[f"born.{part}"].value() for part in ("year", "month", "day")] == ["1990", "2", None]


def test_a_line_is_complete_only_with_all_its_subjects(client, service):
    order = pay(place(client, service, subjects=2))
    one = {"father": "A", "father.consent": "on", "plan": files.sent(files.pdf())}
    post(client, order, **one)
    assert completed() == []
    assert {subject for subject, _key in keys(order)} == {2}
    post(client, order, s2_father="B", **{"s2_father.consent": "on"}, s2_plan=files.sent(files.pdf()))
    assert len(completed()) == 1


def test_an_answer_that_is_there_cannot_be_replaced_and_no_other_question_answered(client, service):
    order = pay(place(client, service))
    post(client, order, father="first", **{"father.consent": "on"})
    post(client, order, father="second", name="Somebody else", **{"father.consent": "on"})
    answers = {answer["key"]: answer["value"] for answer in order.lines.get().intakes.get(subject=1).answers}
    assert (answers["father"], answers["name"]) == ("first", "Mei")


def test_what_the_merchant_no_longer_asks_stays_missing_and_the_page_says_who_will_ask(client, service):
    order = pay(place(client, service))
    service.product.questions.all().delete()
    assert "Your consultant will ask you" in client.get(details_url(order)).content.decode()
    assert post(client, order, father="A", **{"father.consent": "on"}).status_code == 302
    assert len(keys(order)) == 2


def test_a_wrong_file_is_told_at_its_field(client, service):
    order = pay(place(client, service))
    page = post(client, order, plan=files.sent(b"<html>", "page.html")).content.decode()
    assert "page.html: This is a web page." in page
    assert (1, "plan") in keys(order)


def test_what_was_paid_back_is_not_asked_for(client, service):
    order = pay(place(client, service))
    line = order.lines.get()
    fulfilment.note_refund(order, line.total, {line.pk: line.total})
    assert keys(order) == []
    assert client.get(details_url(order)).status_code == 302


# --- mails ---


def test_one_mail_asks_and_one_reminds_and_neither_says_anything_personal(
    client, service, deliver_outbox, monkeypatch
):
    order = pay(place(client, service))
    post(client, order, father=CANARY, **{"father.consent": "on"})
    deliver_outbox()
    asking = [message for message in mail.outbox if "Please add your details" in message.subject]
    assert len(asking) == 1
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=2, hours=23))
    deliver_outbox()
    assert [message for message in mail.outbox if "reminder" in message.body] == []
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=3, minutes=1))
    deliver_outbox()
    deliver_outbox()
    reminding = [message for message in mail.outbox if "reminder" in message.body]
    assert len(reminding) == 1
    for message in asking + reminding:
        assert message.to == ["mei@example.com"]
        assert order.get_absolute_url() in message.body
        assert reverse("consulting:details") in message.body
        for secret in (CANARY, "Mei", "father"):
            assert secret not in message.body + str(message.alternatives)


def test_nobody_is_reminded_of_what_has_come(client, service, deliver_outbox, monkeypatch):
    order = pay(place(client, service))
    deliver_outbox()
    post(client, order, father="A", **{"father.consent": "on"}, plan=files.sent(files.pdf()))
    deliver_outbox()
    before = len(mail.outbox)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + dt.timedelta(days=4))
    deliver_outbox()
    assert len(mail.outbox) == before


def test_a_complete_order_is_not_asked_for_anything(client, deliver_outbox):
    service = make_service()
    add(client, service)
    order = pay(order_of(checkout(client, service, **{f"v{service.pk}-1-name": "Mei"})))
    deliver_outbox()
    assert "Please add your details" not in client.get(order.get_absolute_url()).content.decode()
    assert not [message for message in mail.outbox if "details" in message.subject]


# --- at once ---


def test_what_is_sent_while_the_order_is_erased_comes_back(client, service, monkeypatch):
    order, add_answers = pay(place(client, service)), intake.add_answers

    def erase_first(subject, *given, **typed):
        type(subject).objects.filter(pk=subject.pk).delete()
        return add_answers(subject, *given, **typed)

    monkeypatch.setattr(intake, "add_answers", erase_first)
    answer = post(client, order, father="Mei Chan Senior")
    assert answer.status_code == 403
    assert "Mei Chan Senior" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_last_answers_at_once_complete_the_line_once_and_surely(client, service):
    """Neither sees what the other has not committed yet, so one must wait for the other."""
    order = pay(place(client, service, subjects=2))
    subjects = intake.incomplete(order)
    both_written = Barrier(2)

    def finish(subject) -> None:
        texts = ("label_zh_hant", "label_en", "value", "shown_zh_hant", "shown_en")
        given = {key: {"key": key, **dict.fromkeys(texts, "x")} for key in subject.missing_keys}
        try:
            with transaction.atomic():
                intake.add_answers(subject, given, typed={})
                with suppress(BrokenBarrierError):  # the other one waits for our commit
                    both_written.wait(timeout=1)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(finish, subjects))
    assert keys(order) == []
    assert completed() == [{"line_id": order.lines.get().pk}]


def test_of_what_was_typed_for_later_only_the_form_s_fields_are_kept(client, service):
    """Each no longer than it can be of use: an order that was paid is no place for a megabyte at a time."""
    order = pay(place(client, service))
    unknown = {f"x{number}": "y" * 9_000 for number in range(90)}
    post(client, order, father="長" * 9_000, **unknown)
    [about] = intake.incomplete(order)
    assert {name: len(values[0]) for name, values in about.typed.items()} == {f"i{about.pk}-father": 800}
    assert "長" * 200 in client.get(details_url(order)).content.decode()
