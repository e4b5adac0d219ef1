"""What a browser sees of an order: one that placed it, at first and later, and one that named its address."""

import pytest
from django.urls import reverse

from checkout import order_access
from checkout.intake import uploads
from checkout.models import Intake, OrderEvent, Upload
from checkout.tests.scenes import make_cart, make_goods, pay, place, place_waiting, placed_in
from consulting.tests import scenes
from shop import clock
from shop.tests.harness.clock import later

pytestmark = pytest.mark.django_db


def page(browser, order) -> str:
    return browser.get(order.get_absolute_url()).content.decode()


def name_address(browser, order, email=scenes.EMAIL):
    return browser.post(order.get_absolute_url(), {"email": email})


@pytest.fixture
def order(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return scenes.paid_order(subjects=1, goods=1)


@pytest.fixture
def sent_file(order):
    upload = Upload.objects.create(
        field="f", name="hand.txt", kind="pdf", size=4, stored_as="h", uploaded_at=clock.now()
    )
    upload.intakes.add(Intake.objects.get(line__order=order, subject=1))
    uploads.write_sealed("h", b"hand")
    return reverse("checkout:file", args=[order.token, upload.pk])


def test_the_key_and_the_files_are_shown_where_it_was_placed_for_the_first_hours(
    client, order, sent_file, monkeypatch
):
    placed_in(client, order)
    group = scenes.key_of(order)[:4]
    shown = page(client, order)
    assert f"<span>{group}</span>" in shown
    assert sent_file in shown
    assert client.get(sent_file).status_code == 200
    later(monkeypatch, hours=2)
    shown = page(client, order)
    assert f"<span>{group}</span>" not in shown
    assert "is in the e-mail that we sent to the address of this order" in shown
    assert "hand.txt" in shown
    assert sent_file not in shown
    assert client.get(sent_file).status_code == 404
    assert "1 Nathan Road" in shown


def test_naming_the_address_shows_what_is_delivered_where_and_no_more(client, order, sent_file):
    assert "1 Nathan Road" not in page(client, order)
    name_address(client, order)
    shown = page(client, order)
    assert "1 Nathan Road" in shown
    assert scenes.key_of(order)[:4] not in shown
    assert "hand.txt" not in shown
    assert client.get(sent_file).status_code == 404


def test_missing_details_are_for_the_browser_that_placed_it_or_the_order_key(client, monkeypatch):
    order = pay(place_waiting())
    details = reverse("checkout:details", args=[order.token])
    name_address(client, order, order.email)
    assert "Add details with the order key" in page(client, order)
    assert client.get(details)["Location"] == reverse("consulting:unlock")
    placed_in(client, order)
    later(monkeypatch, days=30)
    assert details in page(client, order)
    assert client.get(details).status_code == 200


def test_grants_end(client, order, monkeypatch):
    name_address(client, order)
    later(monkeypatch, days=29)
    assert "1 Nathan Road" in page(client, order)
    later(monkeypatch, days=30)
    assert "1 Nathan Road" not in page(client, order)
    placed_in(client, order)
    assert "1 Nathan Road" in page(client, order)
    later(monkeypatch, days=90)
    assert "1 Nathan Road" not in page(client, order)
    name_address(client, order)
    assert "1 Nathan Road" in page(client, order), "and begins anew, as of a browser that named it"


def test_each_new_browser_is_told_to_the_mailbox_once(client, order, mailoutbox, deliver_outbox):
    deliver_outbox()
    mailoutbox.clear()
    for _ in range(3):
        name_address(client, order)
    deliver_outbox()
    (mail,) = mailoutbox
    assert mail.to == [scenes.EMAIL]
    assert "somebody opened this order in a browser that did not know it" in mail.body
    assert order.events.filter(fact=OrderEvent.Fact.OPENED).count() == 1
    assert "Another browser opened the order" in page(client, order)
    client.cookies.clear()
    assert "Another browser opened the order" not in page(client, order), "strangers do not read it"


def test_no_browser_is_let_in_unheard_and_the_no_mailbox_is_flooded(
    client, order, mailoutbox, deliver_outbox
):
    deliver_outbox()
    mailoutbox.clear()
    for _ in range(7):
        client.cookies.clear()
        answer = name_address(client, order)
    deliver_outbox()
    assert len(mailoutbox) == 5
    assert answer.status_code == 200
    assert "Please have a link sent to its mailbox instead." in answer.content.decode()
    assert reverse("checkout:find") in answer.content.decode()
    assert "1 Nathan Road" not in page(client, order)


@pytest.mark.parametrize("way", ["checkout:forget_orders", "checkout:forget"])
def test_a_browser_forgets_its_orders_and_their_open_reports(client, order, way):
    placed_in(client, order)
    scenes.unlock(client, scenes.key_of(order))
    assert client.get(reverse("consulting:index")).status_code == 200
    assert reverse("checkout:forget_orders") in page(client, order)
    assert reverse("checkout:forget_orders") in client.get(reverse("checkout:orders")).content.decode()
    answer = client.post(reverse(way), follow=True)
    assert "has forgotten your orders" in answer.content.decode()
    assert order.number not in client.get(reverse("checkout:orders")).content.decode()
    assert "1 Nathan Road" not in page(client, order)
    assert client.get(reverse("consulting:index")).status_code == 302


def test_the_button_mails_the_key_and_shows_it_nowhere(client, order, mailoutbox, deliver_outbox):
    send = reverse("consulting:send_key", args=[order.token])
    assert client.post(send)["Location"] == reverse("consulting:lost_key"), "who has not named the address"
    name_address(client, order)
    assert send in page(client, order)
    deliver_outbox()
    mailoutbox.clear()
    for _ in range(4):
        answer = client.post(send, follow=True)
    deliver_outbox()
    assert len(mailoutbox) == 3
    assert all(scenes.key_of(order) in mail.body for mail in mailoutbox)
    assert "It was sent several times already." in answer.content.decode()
    client.post(reverse("consulting:lost_key"), {"number": order.number, "email": scenes.EMAIL})
    deliver_outbox()
    assert len(mailoutbox) == 4, "the form is another door, with a limit of its own"


def test_entries_of_before_there_was_an_end(client, rf):
    """What was placed keeps its place; what was named is named again."""
    tea, cup = (pay(place(make_cart((make_goods(code), 1)))) for code in ("T-1", "T-2"))
    text = f"{tea.pk}-{order_access.stamp(tea)}-p.{cup.pk}-{order_access.stamp(cup)}"
    from django.core import signing

    signer = signing.get_cookie_signer(salt=order_access.COOKIE + order_access.SALT)
    client.cookies[order_access.COOKIE] = signer.sign(text)
    assert "1 Nathan Road" in page(client, tea)
    assert "1 Nathan Road" not in page(client, cup)
