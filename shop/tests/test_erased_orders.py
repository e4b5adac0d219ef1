"""What is written while an order is erased does not stay: its page had been fetched before."""

import dataclasses
import inspect

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from checkout.models import Order
from checkout.orders import corrections
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from consulting import access, case_messages
from consulting.keys import lifecycle
from consulting.models import Case, OrderKey, Report
from consulting.reports import attachments
from consulting.reports import services as reports
from consulting.tests import documents, scenes
from shop.tests.harness.races import while_held
from shop.tests.test_erasure import everything

pytestmark = pytest.mark.django_db

LATE = "canary-late-3307"
# Public functions of the modules below that take a text, a file or an address, and the keys.
WRITING = {
    "save_draft": lambda case, order, author: reports.save_draft(case, author=author, title=LATE, body=LATE),
    "revise": lambda case, order, author: reports.revise(
        case, author=author, change=lambda _report, text: dataclasses.replace(text, text=LATE)
    ),
    "attach": lambda case, order, author: attachments.attach(
        case, author=author, file=documents.sent(documents.pdf(), f"{LATE}.pdf")
    ),
    "detach": lambda case, order, author: attachments.detach(case, author=author, name=LATE),
    "withdraw": lambda case, order, author: reports.withdraw(case, actor="author", reason=LATE),
    "write_to_client": lambda case, order, author: case_messages.write_to_client(
        case, author=author, text=LATE
    ),
    "write_to_consultant": lambda case, order, author: case_messages.write_to_consultant(case, text=LATE),
    "readdress": lambda case, order, author: lifecycle.readdress(
        order.keys.first(), f"{LATE}@example.com", actor="mei", is_approved=True
    ),
    "reissue": lambda case, order, author: lifecycle.reissue(order.pk, actor="mei"),
    "replace": lambda case, order, author: lifecycle.replace(order.keys.first(), actor="mei"),
    "resend": lambda case, order, author: lifecycle.resend(order.keys.first(), actor="mei"),
    "correct_for": lambda case, order, author: corrections.correct_for(
        order.pk, corrections.Correction(f"{LATE}@example.com"), actor="mei"
    ),
    "ship": lambda case, order, author: parcel(fulfilment.ship, order.pk, order),
    "correct_parcel": lambda case, order, author: parcel(
        fulfilment.correct_parcel,
        order.shipments.get().pk,
        order,
        seen=order.shipments.select_related("order").prefetch_related("items").get().stamp,
    ),
}


def parcel(write, pk, order, **more):
    pieces = {order.lines.get(kind="goods").pk: 1}
    return write(pk, carrier="sf", tracking_number=LATE, quantities=pieces, actor="mei", **more)


TEXTS = {"text", "title", "reason", "tracking_number"}
WORDS = TEXTS | {"change", "file", "name", "email", "correction", "order_key"}
OTHERS = {
    "correct",  # within minutes of the payment; asks the same as correct_for
    "request_key",  # of no order yet
    "open_version", "open_report", "revoke", "named", "download",
}  # fmt: skip


def test_every_function_that_writes_into_an_order_is_tried_below():
    found = {
        name
        for module in (reports, attachments, case_messages, lifecycle, corrections, fulfilment)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and name[0] != "_"
        if name not in OTHERS and WORDS & set(inspect.signature(function).parameters)
    }
    assert found | {"reissue"} == set(WRITING)


def test_nothing_is_written_into_an_order_that_was_erased_meanwhile(settings, tmp_path):
    """Each page had fetched its case before: the right is asked again under the order's lock."""
    settings.MEDIA_ROOT = tmp_path
    order, author = scenes.paid_order(subjects=1, goods=2), scenes.writer()
    parcel(fulfilment.ship, order.pk, order)
    case = Case.objects.of(order).get()
    scenes.published(case, author)
    case = Case.objects.of(order).get()
    before = set(OrderKey.objects.values_list("lookup", flat=True))
    erasure.erase(Order.objects.lock(order.pk))
    assert not before & set(OrderKey.objects.values_list("lookup", flat=True)), "nothing finds it any more"
    written = []
    for name, write in WRITING.items():
        try:
            with transaction.atomic():
                write(case, order, author)
        except (PermissionDenied, case_messages.Closed, corrections.TooLate):
            continue
        except (lifecycle.NothingToOpen, lifecycle.KeyChanged, fulfilment.NothingToShip):
            continue
        written.append(name)
    assert written == []
    assert LATE not in everything()
    assert not OrderKey.objects.filter(state="active").exists()
    assert not any(report.body for report in Report.objects.all())
    order.refresh_from_db()
    assert not access.order_is_open(order)


def save_while_erased(monkeypatch) -> bool:
    """A draft is about to be committed as its order is erased. Whether any text is left afterwards."""
    order = scenes.paid_order(subjects=1)
    case, author = Case.objects.of(order).get(), scenes.writer(f"author-{order.pk}")
    scenes.published(case, author)

    @transaction.atomic
    def erase():
        erasure.erase(Order.objects.lock(order.pk))

    while_held(
        monkeypatch,
        "before_draft_committed",
        lambda: reports.save_draft(case, author=author, title=LATE, body=LATE, note=LATE),
        erase,
    )
    assert Order.objects.get(pk=order.pk).erased_at
    return any(report.body for report in Report.objects.filter(case=case))


@pytest.mark.django_db(transaction=True)
def test_without_the_orders_lock_a_draft_outlives_its_erasure_and_with_it_none_does(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(reports, "_locked_to_write", lambda case, _author: reports._locked(case))
        assert save_while_erased(monkeypatch)
    assert not save_while_erased(monkeypatch)
