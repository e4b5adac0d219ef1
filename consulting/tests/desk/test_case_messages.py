"""Client and consultant write to each other: sealed, mailed without the text, and what the clock does."""

import pytest
from cryptography.fernet import Fernet
from django.urls import reverse

from catalog.models import Absence
from checkout import services as checkout
from checkout.tests.scenes import make_cart, make_service, place, place_waiting
from consulting import case_messages
from consulting.keys import services as keys
from consulting.models import Case, Message
from consulting.reports import services as reports
from consulting.tests import scenes
from consulting.tests.scenes import give_back, unlock
from shop.models import OutboxMessage
from shop.tests.harness.moments import day, stop_clock

pytestmark = pytest.mark.django_db
QUESTION, ANSWER = "canary-question-2207", "canary-reply-8814"


@pytest.fixture
def taken(case, consultant):
    return reports.assign(case, consultant)


@pytest.fixture
def reader(client, order):
    unlock(client, scenes.key_of(order))
    return client


@pytest.fixture
def mails(mailoutbox, deliver_outbox):
    """What is sent, without the mails of the order itself."""
    OutboxMessage.objects.all().delete()

    def deliver():
        mailoutbox.clear()
        deliver_outbox()
        return list(mailoutbox)

    return deliver


def page(browser, case, name="messages") -> str:
    return browser.get(reverse(f"consulting:{name}", args=[case.pk]), follow=True).content.decode()


def post(browser, case, text, name="messages", **more):
    return browser.post(reverse(f"consulting:{name}", args=[case.pk]), {"text": text, **more})


def in_full(mail) -> str:
    return mail.subject + mail.body + str(mail.alternatives)


def dated(consultant, monkeypatch):
    """Promised for Thursday, 10 December 2026: seven working days after 1 December."""
    stop_clock(monkeypatch, "2026-12-01 10:00")
    case = Case.objects.of(scenes.pay(place(make_cart((make_service(), 1))))).get()
    assert case.due_on == day("2026-12-10")
    return reports.assign(case, consultant)


# --- writing ---


def test_client_and_consultant_write_to_each_other_by_key_page_and_workspace(
    client, workspace, taken, order, mails
):
    staff = workspace
    assert post(staff, taken, QUESTION, "case_messages").status_code == 302
    (question,) = mails()
    assert question.to == [order.email]
    assert reverse("consulting:unlock") in question.body
    assert QUESTION not in in_full(question)

    reader = client.__class__()
    unlock(reader, scenes.key_of(order))
    assert "New message" in reader.get(reverse("consulting:index")).content.decode()
    assert QUESTION in page(reader, taken)
    assert "New message" not in reader.get(reverse("consulting:index")).content.decode()
    assert post(reader, taken, ANSWER).status_code == 302
    (answered,) = [mail for mail in mails() if mail.to == [taken.consultant.email]]
    assert str(taken) in answered.subject
    assert ANSWER not in in_full(answered)

    assert "New message" in staff.get(reverse("consulting:cases")).content.decode()
    assert ANSWER in page(staff, taken, "case_messages")
    assert "New message" not in staff.get(reverse("consulting:cases")).content.decode()


def test_a_message_about_a_case_that_nobody_has_goes_to_all_consultants(reader, case, mails, settings):
    settings.CONSULTANT_EMAILS = ["desk@shop.example"]
    post(reader, case, ANSWER)
    (mail,) = mails()
    assert mail.to == ["desk@shop.example"]
    assert "此個案尚未有顧問接手。" in mail.body  # in the shop's own language


def test_no_mail_about_a_message_that_has_been_read(taken, consultant, reader, mails):
    case_messages.write_to_client(taken, author=consultant, text=QUESTION)
    page(reader, taken)
    assert mails() == []


def test_a_second_click_is_one_message(reader, taken, mails):
    for _ in range(3):
        post(reader, taken, ANSWER)
    assert Message.objects.count() == 1
    assert len(mails()) == 1


def test_the_text_is_sealed_and_bound_to_its_case(taken, consultant, reader, caplog):
    message = case_messages.write_to_client(taken, author=consultant, text=QUESTION)
    assert QUESTION.encode() not in bytes(message.sealed)
    other = Case.objects.exclude(pk=taken.pk).get()
    Message.objects.filter(pk=message.pk).update(case=other)
    shown = page(reader, other)
    assert QUESTION not in shown
    assert "This message cannot be opened." in shown
    Message.objects.update(sealed=Fernet(Fernet.generate_key()).encrypt(b"foreign"))
    assert "This message cannot be opened." in page(reader, other)


@pytest.mark.parametrize("text", ["", "   ", "x" * (case_messages.MAX_LENGTH + 1), "a\ufffdb"])
def test_what_is_no_message_is_told_at_its_field_and_stays(reader, taken, text):
    answer = post(reader, taken, text)
    assert answer.status_code == 200
    assert 'id="id_text_error"' in answer.content.decode() or "error-summary" in answer.content.decode()
    assert not Message.objects.exists()


def test_who_writes_very_often_is_asked_to_wait_and_keeps_the_text(reader, taken):
    for number in range(20):
        assert post(reader, taken, f"{ANSWER} {number}").status_code == 302
    refused = post(reader, taken, "canary-once-more").content.decode()
    assert "You have written very often." in refused
    assert "canary-once-more" in refused
    assert Message.objects.count() == 20


def test_what_was_typed_when_the_reports_were_locked_again_is_on_the_page(reader, taken, order):
    reader.post(reverse("consulting:lock"))
    answer = post(reader, taken, f"{ANSWER} <i>")
    assert answer.status_code == 403
    assert f"{ANSWER} &lt;i&gt;" in answer.content.decode()
    assert not Message.objects.exists()
    unlock(reader, scenes.key_of(order))
    assert post(reader, taken, ANSWER).status_code == 302  # from that very page
    assert Message.objects.get().text == ANSWER


# --- who may ---


def test_strangers_and_other_orders_have_no_thread(client, taken, order):
    other = scenes.paid_order()
    assert client.get(reverse("consulting:messages", args=[taken.pk])).status_code == 302
    unlock(client, scenes.key_of(other))
    assert client.get(reverse("consulting:messages", args=[taken.pk])).status_code == 404
    assert post(client, taken, ANSWER).status_code == 404
    assert not Message.objects.exists()


def test_only_the_consultant_of_the_case_writes_and_colleagues_read_with_the_key(client, taken, colleague):
    case_messages.write_to_consultant(taken, text=ANSWER)
    client.force_login(colleague, backend="django.contrib.auth.backends.ModelBackend")
    url = reverse("consulting:case_messages", args=[taken.pk])
    assert client.get(url).status_code == 403
    keys.open_with_key(colleague, scenes.key_of(taken.order))
    shown = client.get(url).content.decode()
    assert ANSWER in shown
    assert "Only the consultant of this case writes" in shown
    assert Message.objects.get().seen_at is None  # its consultant has not seen it
    assert client.post(url, {"text": "x"}).status_code == 403
    assert client.post(reverse("consulting:go_on", args=[taken.pk])).status_code == 403


def test_the_merchant_reads_no_messages(client, taken, merchant):
    client.force_login(merchant, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("consulting:case_messages", args=[taken.pk])).status_code == 403


def test_a_refunded_line_has_a_closed_thread_on_the_next_request(reader, workspace, taken, consultant, order):
    case_messages.write_to_client(taken, author=consultant, text=QUESTION)
    unlock(reader, scenes.key_of(order))
    assert QUESTION in page(reader, taken)
    line = taken.line
    give_back(order, line.total - 1, {line.pk: line.total - 1})
    assert QUESTION in page(reader, taken)
    give_back(order, 1, {line.pk: 1})
    assert QUESTION not in page(reader, taken)
    with pytest.raises(case_messages.Closed):
        case_messages.write_to_consultant(taken, text=ANSWER)
    with pytest.raises(case_messages.Closed):
        case_messages.write_to_client(taken, author=consultant, text=QUESTION)


# --- the clock ---


@pytest.mark.parametrize(
    ("answered", "due"),
    [
        ("2026-12-02 14:00", "2026-12-10"),  # the same day
        ("2026-12-04 10:00", "2026-12-14"),  # Thursday and Friday went by
        ("2026-12-06 10:00", "2026-12-15"),  # on Sunday, which counts as Monday
        ("2026-12-28 10:00", "2027-01-06"),  # Christmas and its working days
    ],
)
def test_the_promised_day_moves_by_the_working_days_until_the_answer(consultant, monkeypatch, answered, due):
    case = dated(consultant, monkeypatch)
    stop_clock(monkeypatch, "2026-12-02 10:00")
    case_messages.write_to_client(case, author=consultant, text=QUESTION, needs_answer=True)
    case.refresh_from_db()
    assert case.waits_for_answer
    stop_clock(monkeypatch, answered)
    message = case_messages.write_to_consultant(case, text=ANSWER)
    case.refresh_from_db()
    case.line.refresh_from_db()
    assert not case.waits_for_answer
    assert case.due_on == case.line.report_due_on == day(due)
    assert message.moved_to == (day(due) if due != "2026-12-10" else None)


def test_an_absence_during_the_wait_is_not_counted_twice(consultant, monkeypatch):
    case = dated(consultant, monkeypatch)
    Absence.objects.create(starts_on=day("2026-12-03"), ends_on=day("2026-12-03"))
    stop_clock(monkeypatch, "2026-12-02 10:00")
    case_messages.write_to_client(case, author=consultant, text=QUESTION, needs_answer=True)
    stop_clock(monkeypatch, "2026-12-04 10:00")
    case_messages.write_to_consultant(case, text=ANSWER)
    case.refresh_from_db()
    assert case.due_on == day("2026-12-11")


def test_questions_that_need_no_answer_and_questions_of_the_client_stop_nothing(consultant, monkeypatch):
    case = dated(consultant, monkeypatch)
    case_messages.write_to_client(case, author=consultant, text=QUESTION)
    case_messages.write_to_consultant(case, text=ANSWER)
    stop_clock(monkeypatch, "2026-12-08 10:00")
    case_messages.write_to_consultant(case, text="more")
    case.refresh_from_db()
    assert case.due_on == day("2026-12-10")


def test_the_wait_counts_from_the_first_of_several_questions(consultant, monkeypatch):
    case = dated(consultant, monkeypatch)
    for moment in ("2026-12-02 10:00", "2026-12-03 10:00"):
        stop_clock(monkeypatch, moment)
        case_messages.write_to_client(case, author=consultant, text=f"{QUESTION} {moment}", needs_answer=True)
    stop_clock(monkeypatch, "2026-12-04 10:00")
    case_messages.write_to_consultant(case, text=ANSWER)
    case.refresh_from_db()
    assert case.due_on == day("2026-12-14")


def test_the_consultant_can_go_on_without_the_answer(workspace, consultant, monkeypatch):
    case = dated(consultant, monkeypatch)
    stop_clock(monkeypatch, "2026-12-02 10:00")
    post(workspace, case, QUESTION, "case_messages", needs_answer="on")
    assert "Waits for the client's answer" in page(workspace, case, "case_messages")
    stop_clock(monkeypatch, "2026-12-03 10:00")
    workspace.post(reverse("consulting:go_on", args=[case.pk]))
    case.refresh_from_db()
    assert not case.waits_for_answer
    assert case.due_on == day("2026-12-11")


def test_a_waiting_case_is_not_overdue_and_client_and_staff_read_why(
    client, workspace, consultant, monkeypatch
):
    case = dated(consultant, monkeypatch)
    case_messages.write_to_client(case, author=consultant, text=QUESTION, needs_answer=True)
    stop_clock(monkeypatch, "2027-01-15 10:00")
    case = Case.objects.get()
    assert not case.is_overdue
    assert "Waits for the client's answer" in workspace.get(reverse("consulting:cases")).content.decode()
    reader = client.__class__()
    unlock(reader, scenes.key_of(case.order), case.order.email)
    shown = reader.get(reverse("consulting:index")).content.decode()
    assert "Waiting for your answer" in shown
    assert "moves by the working days until you answer" in shown
    assert "Your report is now promised for" in str(
        reader.post(
            reverse("consulting:messages", args=[case.pk]), {"text": ANSWER}, follow=True
        ).content.decode()
    )


def test_after_the_report_both_may_still_ask_and_no_day_moves(consultant, monkeypatch):
    case = dated(consultant, monkeypatch)
    case_messages.write_to_client(case, author=consultant, text=QUESTION, needs_answer=True)
    scenes.published(case, consultant)
    case.refresh_from_db()
    assert not case.waits_for_answer
    stop_clock(monkeypatch, "2026-12-20 10:00")
    assert case_messages.write_to_consultant(case, text=ANSWER).moved_to is None
    assert not case_messages.write_to_client(
        case, author=consultant, text="again", needs_answer=True
    ).needs_answer
    case.refresh_from_db()
    assert case.due_on == day("2026-12-10")
    assert case.waiting_since is None


def test_details_that_come_during_the_wait_start_the_days_and_the_wait_counts_from_then(
    consultant, monkeypatch, deliver_outbox
):
    stop_clock(monkeypatch, "2026-12-01 10:00")
    case = reports.assign(Case.objects.of(scenes.pay(place_waiting())).get(), consultant)
    case_messages.write_to_client(case, author=consultant, text=QUESTION, needs_answer=True)
    stop_clock(monkeypatch, "2026-12-04 10:00")
    checkout.restart_turnaround(case.line_id)
    deliver_outbox()
    stop_clock(monkeypatch, "2026-12-07 10:00")
    case_messages.write_to_consultant(case, text=ANSWER)
    case.refresh_from_db()
    assert case.due_on == day("2026-12-16")  # the 15th, and the one working day since the 4th
