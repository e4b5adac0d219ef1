"""Files of buyers have budgets: of a network, of an order, of all; and no other page takes any."""

import weakref
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.management import call_command
from django.test import Client
from django.utils.datastructures import MultiValueDict

from checkout import services as checkout_services
from checkout.intake import upload_budgets, uploads
from checkout.models import Upload
from checkout.tests import files
from checkout.tests.intake.test_uploads import send, stored
from checkout.tests.intake_scenes import checkout, order_of
from checkout.tests.scenes import add, pay
from shop.tests.harness.access.world import doors
from shop.tests.harness.races import at_once, meeting
from shop.web import upload_handler

pytestmark = pytest.mark.django_db


def large(size=80_000):
    return b"%PDF-1.4\n" + b"x" * size + b"\n%%EOF"


def test_one_network_has_so_many_bytes_an_hour(client, service, monkeypatch):
    pieces = replace(upload_budgets.PIECES_PER_NETWORK, limit=3)
    monkeypatch.setattr(upload_budgets, "PIECES_PER_NETWORK", pieces)
    monkeypatch.setattr(upload_budgets, "PIECE", 50_000)
    add(client, service)
    page = send(client, service, large(), large()).content.decode()
    assert "Too many large files came from your network. Please try again in an hour." in page
    assert Upload.objects.count() == 1
    assert len(stored()) == 1


def test_one_order_has_so_many_bytes_before_and_after_it_is_placed(client, service, monkeypatch):
    monkeypatch.setattr(upload_budgets, "MAX_ORDER_MB", 0.1)
    add(client, service)
    page = send(client, service, large(), large(), action="upload").content.decode()
    assert "The files of one order can be" in page
    order = order_of(checkout(client, service))
    monkeypatch.setattr(upload_budgets, "MAX_ORDER_MB", 0.2)
    intake = order.lines.get().intakes.get(subject=1)
    request = SimpleNamespace(FILES=MultiValueDict({"plan": [files.sent(large()), files.sent(large())]}))
    monkeypatch.setattr(uploads, "PER_NETWORK", SimpleNamespace(take=lambda key: [1]))
    monkeypatch.setattr(upload_budgets, "check", lambda *_: None)
    asked = replace_options(service.product.questions.get(), most=9)
    problems = uploads.receive(request, intake, {"plan": asked})
    assert [len(told) for told in problems.values()] == [1], problems
    assert intake.uploads.count() == 2


def test_files_are_written_before_the_locks_and_of_what_was_erased_none_stays(
    client, service, settings, monkeypatch
):
    add(client, service)
    done, write = [], uploads.write_sealed
    monkeypatch.setattr(uploads, "write_sealed", lambda *file: done.append("written") or write(*file))
    monkeypatch.setattr(upload_budgets, "lock_names", lambda *_: done.append("locked"))
    order = order_of(send(client, service, large()))
    assert done == ["written", "locked"]
    intake = order.lines.get().intakes.get(subject=1)
    type(intake).objects.filter(pk=intake.pk).delete()
    before = stored()
    request = SimpleNamespace(FILES=MultiValueDict({"plan": [files.sent(large())]}))
    monkeypatch.setattr(uploads, "PER_NETWORK", SimpleNamespace(take=lambda key: [1]))
    monkeypatch.setattr(upload_budgets, "check", lambda *_: None)
    problems = uploads.receive(request, intake, {"plan": service.product.questions.get()})
    assert "not needed any more" in problems["plan"][0]
    assert stored() == before


def replace_options(question, **options):
    question.options |= options
    return question


def test_an_order_alone_frees_no_budget(client, service, settings, monkeypatch):
    settings.UPLOADS_UNCLAIMED_MB = 0.1
    monkeypatch.setattr(upload_budgets, "SHARE_PERCENT", 100)
    add(client, service)
    order = order_of(send(client, service, large()))
    checkout_services.cancel(order.pk, actor="nobody paid")
    add(again := Client(), service)
    assert "We cannot keep this file just now." in send(again, service, large()).content.decode()
    assert Upload.objects.count() == 1


@pytest.mark.parametrize("what", ["all unclaimed files", "the disk"])
def test_strangers_leave_room_for_everybody_else(client, service, settings, monkeypatch, what):
    """Files without an order have a greatest size together, and so much of the disk stays free."""
    monkeypatch.setattr(upload_budgets, "SHARE_PERCENT", 100)
    add(client, service)
    pay(order_of(send(client, service, large())))  # what was paid counts no more
    add(stranger := Client(), service)
    if what == "the disk":
        settings.UPLOADS_FREE_MB = 10**9
    else:
        settings.UPLOADS_UNCLAIMED_MB = 0.1
        send(stranger, service, large(), action="upload")
        assert Upload.objects.count() == 2
    before = Upload.objects.count()
    page = send(stranger, service, large()).content.decode()
    assert "We cannot keep this file just now. Please try again in a few minutes." in page
    assert 'value="mei@example.com"' in page, "nothing typed is lost"
    assert (Upload.objects.count(), len(stored())) == (before, before)


def test_the_surroundings_of_one_network_have_only_a_share_of_it(service, settings):
    settings.UPLOADS_UNCLAIMED_MB = 2  # a tenth of which is two such files
    neighbours = [Client(REMOTE_ADDR=f"203.0.113.{number}") for number in (9, 99, 199)]
    told = []
    for visitor in neighbours:
        add(visitor, service)
        page = send(visitor, service, large(), action="upload").content.decode()
        told.append("Files from your network for which nothing has been paid take up too much room." in page)
    assert told == [False, False, True]
    assert len(stored()) == Upload.objects.count() == 2
    add(elsewhere := Client(REMOTE_ADDR="198.51.100.1"), service)
    pay(order_of(send(elsewhere, service, large())))
    order = order_of(checkout(neighbours[0], service))
    assert "too much room" in send(neighbours[2], service, large()).content.decode()
    pay(order)
    call_command("forget")
    assert [bool(upload.surroundings) for upload in Upload.objects.order_by("pk")] == [False, True, False]
    send(neighbours[2], service, large(), action="upload")
    assert Upload.objects.count() == 4, "what was paid takes nothing from the share"


@pytest.mark.parametrize("is_locked", [False, True])
@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_both_get_the_last_room(service, settings, monkeypatch, is_locked):
    settings.UPLOADS_UNCLAIMED_MB = 0.1
    monkeypatch.setattr(upload_budgets, "SHARE_PERCENT", 100)
    visitors = [Client(), Client()]
    for visitor in visitors:
        add(visitor, service)
    if not is_locked:
        monkeypatch.setattr(upload_budgets, "lock_names", lambda *_: None)
    with meeting(monkeypatch, upload_budgets, "_bytes_of"):
        at_once(*[lambda who=who: send(who, service, large(), action="upload") for who in visitors])
    assert Upload.objects.count() == len(stored()) == (1 if is_locked else 2)


def test_only_pages_that_ask_for_files_take_more_than_a_form_s_text(client, service, rf):
    """Every address: what is sent to any other one is refused before it is read."""
    taking = {name for name, pattern in doors() if getattr(pattern.callback, "takes_files", False)}
    assert taking == {"checkout:begin", "checkout:details", "consulting:details", "consulting:case"}

    def body():
        return {"x": files.sent(b"x" * 2_000_000, "x.bin")}

    for path in (
        "/en/cart/add/",
        "/en/report/",
        "/en/admin/login/",
        "/pay/unionpay/return/",
        "/en/no-such-page/",
    ):
        request = rf.post(path, body())
        with pytest.raises(RequestDataTooBig):
            request.POST  # noqa: B018
    assert Client().post("/en/cart/add/", body()).status_code == 413
    assert len(rf.post("/en/checkout/", body()).FILES["x"].read()) == 2_000_000


def test_all_requests_together_cannot_fill_the_memory(client, service, monkeypatch):
    monkeypatch.setattr(upload_handler, "_live", weakref.WeakSet())  # without what other tests have left
    monkeypatch.setattr(upload_handler, "MAX_HELD_BYTES", 100_000)
    add(client, service)
    elsewhere = upload_handler._Content()  # of another request
    elsewhere.append(b"x" * 80_000)
    assert "too many large files at once" in send(client, service, large()).content.decode()
    del elsewhere
    assert "Remove plan.pdf" in send(client, service, large(), action="upload").content.decode()
