"""A revoked key closes the copy of everything, too; staff can stop what a stolen mailbox opens; and what a
mailbox was sent ends when the order gets another one.
"""

import io
import re
import zipfile

import pytest
from django.core import signing
from django.urls import reverse

from checkout.intake import uploads
from checkout.models import EmailCorrection, Intake, Order, PrivacyRequest, Upload
from checkout.orders import corrections
from checkout.orders.corrections import Correction
from checkout.orders.mailed_link import InvalidLink
from checkout.privacy import erasure, mailbox_doubts
from checkout.privacy import requests as privacy_requests
from checkout.shipping import fulfilment
from consulting import case_messages
from consulting.keys import lifecycle
from consulting.models import Case
from consulting.tests import scenes
from consulting.tests.scenes import unlock
from shop import clock

pytestmark = pytest.mark.django_db
FILE = b"canary-file"


@pytest.fixture
def order(db, settings, tmp_path):
    """Tea and a report, published, with a file of the client's and a message."""
    settings.MEDIA_ROOT = tmp_path
    order = scenes.paid_order(subjects=1, goods=1)
    case = Case.objects.of(order).get()
    scenes.published(case, scenes.staff("lin", "change_case", "change_report"))
    case_messages.write_to_consultant(case, text="canary-message")
    upload = Upload.objects.create(
        field="f", name="a.txt", kind="txt", size=4, stored_as="a", uploaded_at=clock.now()
    )
    upload.intakes.add(Intake.objects.get(line__order=order, subject=1))
    uploads.write_sealed("a", FILE)
    return order


def named(client, order):
    client.post(order.get_absolute_url(), {"email": scenes.EMAIL})
    return client


def link_for(order, kind=PrivacyRequest.Kind.EXPORT) -> str:
    request = privacy_requests.create_request(order, kind)
    return re.sub(
        r"^https?://[^/]+", "", privacy_requests.LINK.url(request.pk, to=order.email, language="en")
    )


def copy_of(client, order) -> str:
    """All that the zip holds, as one text."""
    answer = named(client, order).post(link_for(order))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


CLOSED = [scenes.TEXT, scenes.ANSWER.partition(" ")[0], scenes.CONTACT, FILE.decode(), "canary-message"]


def test_the_copy_holds_no_report_and_no_answer_while_no_key_is_active_and_says_so(client, order):
    whole = copy_of(client, order)
    assert all(text in whole for text in CLOSED)
    lifecycle.revoke(order.keys.get(), actor="merchant")
    page = named(client, order).get(link_for(order)).content.decode()
    assert "No order key of this order is valid at present." in page
    left = copy_of(client, order)
    assert [text for text in CLOSED if text in left] == []
    assert "No order key of this order is valid at present." in left
    assert "Test tea" in left
    lifecycle.reissue(order.pk, actor="merchant")
    again = copy_of(client, order)
    assert all(text in again for text in CLOSED)


@pytest.mark.parametrize("kind", PrivacyRequest.Kind.values)
def test_a_mailbox_in_doubt_opens_nothing(client, order, kind, mailoutbox, deliver_outbox):
    link = link_for(order, kind)
    deliver_outbox()
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    assert scenes.EMAIL not in client.get(order.get_absolute_url()).content.decode()
    assert named(client, order).get(link).status_code == 410
    page = client.post(reverse("checkout:privacy", args=[order.token]), {"kind": kind}, follow=True)
    assert "No link can be sent for this order at present." in page.content.decode()
    assert not PrivacyRequest.objects.exists()
    mailoutbox.clear()
    client.post(reverse("consulting:send_key", args=[order.token]))
    deliver_outbox()
    key = scenes.key_of(order)
    assert mailoutbox
    assert [mail.subject for mail in mailoutbox if key in mail.body or key in str(mail.alternatives)] == []
    mailbox_doubts.set_doubt(order.pk, is_doubted=False, actor="merchant")
    assert named(client, order).get(link).status_code == 410, "what was stopped does not come back"
    mailoutbox.clear()
    client.post(reverse("consulting:send_key", args=[order.token]))
    deliver_outbox()
    assert key in mailoutbox[-1].body


def test_it_ends_what_browsers_knew_of_the_order(client, order):
    """Whoever has the mailbox may have named its address, or followed a link, before."""
    granted = named(client, order)
    address = order.address["line1"]
    assert address in granted.get(order.get_absolute_url()).content.decode()
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    assert address not in granted.get(order.get_absolute_url()).content.decode()


def test_nobody_stops_its_parcels_by_asking_to_cancel(client, order):
    """Whoever reads the mailbox knows address and link, so names the one on the page of the other."""
    url = reverse("checkout:request_cancellation", args=[order.token])
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    told = named(client, order).post(url, {"reason": "x"}, follow=True).content.decode()
    assert (
        "cannot be cancelled here at present. Please contact customer service."
        in client.get(url).content.decode() + told
    )
    assert not order.cancellations.exists()
    mailbox_doubts.set_doubt(order.pk, is_doubted=False, actor="merchant")
    named(client, order).post(url, {"reason": "x"})
    assert order.cancellations.exists()


def test_an_erasure_that_was_confirmed_is_stopped_too(client, order):
    pieces = {line.pk: line.quantity for line in order.lines.all() if line.ships}
    fulfilment.ship(order.pk, carrier="other", tracking_number="1", quantities=pieces, actor="merchant")
    order.refresh_from_db()
    assert erasure.obstacles(order) == []
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    erasure.confirm(request)
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    assert not erasure.carry_out(request.pk)
    assert Order.objects.get(pk=order.pk).erased_at is None


NEW = "new@example.com"
CHANGES = {
    "the buyer": lambda order, email: corrections.correct(order.pk, Correction(email)),
    "staff": lambda order, email: lifecycle.readdress(order.keys.first(), email, actor="care"),
}


@pytest.mark.parametrize("kind", PrivacyRequest.Kind.values)
@pytest.mark.parametrize("who", CHANGES)
def test_a_link_ends_with_its_mailbox(client, order, kind, who):
    link = link_for(order, kind)
    CHANGES[who](order, NEW)
    client.post(order.get_absolute_url(), {"email": NEW})
    assert NEW in client.get(order.get_absolute_url()).content.decode(), "this browser may see the order"
    assert client.post(link, {"step": "2", "sure": "on"}).status_code == 410
    CHANGES[who](order, scenes.EMAIL)
    assert named(client, order).post(link).status_code == 410, "what was ended does not come back"


@pytest.mark.parametrize("is_stamped", [True, False])
def test_a_link_knows_its_mailbox_even_if_the_request_is_left(client, order, is_stamped):
    """As when the last release's code changed the address, or the mail was on its way."""
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.EXPORT)
    token = (
        privacy_requests.LINK.url(request.pk, to=scenes.EMAIL, language="en").rstrip("/").rpartition("/")[2]
    )
    if not is_stamped:
        token = signing.dumps([request.pk, int(clock.now().timestamp())], salt="checkout.privacy")
    assert privacy_requests.read_link(token) == request
    Order.objects.filter(pk=order.pk).update(email=NEW)
    EmailCorrection.objects.create(order=order, old_email=scenes.EMAIL, at=clock.now())
    with pytest.raises(InvalidLink):
        privacy_requests.read_link(token)


@pytest.mark.parametrize("is_left", [False, True])
def test_an_erasure_that_the_old_mailbox_confirmed_is_not_carried_out(order, is_left):
    pieces = {line.pk: line.quantity for line in order.lines.all() if line.ships}
    fulfilment.ship(order.pk, carrier="other", tracking_number="1", quantities=pieces, actor="merchant")
    request = privacy_requests.create_request(order, PrivacyRequest.Kind.ERASURE)
    erasure.confirm(request)
    if is_left:
        Order.objects.filter(pk=order.pk).update(email=NEW)
    else:
        lifecycle.readdress(order.keys.get(), NEW, actor="care")
    assert not erasure.carry_out(request.pk)
    assert Order.objects.get(pk=order.pk).erased_at is None
    assert not PrivacyRequest.objects.exists()
    with pytest.raises(InvalidLink):
        erasure.confirm(request)


def test_another_mailbox_is_in_no_doubt(order):
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    corrections.readdress(Order.objects.get(pk=order.pk), "new@example.com", actor="care")
    assert Order.objects.get(pk=order.pk).mailbox_doubted_at is None


def test_staff_see_the_doubt_on_the_orders_page(client, order):
    who = scenes.staff("boss", "view_order", "view_orderevent", "doubt_mailbox")
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    page = reverse("admin:checkout_order_change", args=[order.pk])
    assert "Mailbox in doubt" in client.get(page).content.decode()
    client.post(reverse("admin:checkout_order_mailbox", args=[order.pk]), {"is_doubted": "yes"})
    shown = client.get(page).content.decode()
    assert "In doubt since" in shown
    assert "Trust the mailbox again" in shown
    assert list(order.events.values_list("note", "actor"))[-1] == ("mailbox in doubt", "boss")


def test_open_reports_are_not_locked_by_it(client, order):
    """The key is another matter: staff revoke it where they must."""
    unlock(client, scenes.key_of(order))
    mailbox_doubts.set_doubt(order.pk, is_doubted=True, actor="merchant")
    assert unlock(client, scenes.key_of(order)).status_code == 302
