"""A gift: the flag and the card reach whoever packs, and no price stands where only the recipient looks."""

import re

import pytest
from django.core import mail

from checkout.models import Order
from checkout.tests.scenes import add, make_goods, pay, post

pytestmark = pytest.mark.django_db

NOTE = "Leave it at the reception\nring twice"
CARD = "生日快樂 🎂\nLove, Mei"
GIFT = {"is_gift": "on", "card_text": CARD, "delivery_note": NOTE}


@pytest.fixture
def gift(client) -> Order:
    add(client, make_goods())
    assert post(client, **GIFT, recipient="𠮷田・陳大文").status_code == 302
    return Order.objects.get()


def test_the_order_keeps_what_was_wished_for(gift):
    assert gift.is_gift
    assert (gift.card_text, gift.delivery_note) == (CARD, NOTE)


def test_the_buyer_sees_it_before_and_after_paying(client, gift):
    for url in (f"/en/pay/{gift.token}/", gift.get_absolute_url()):
        page = client.get(url).content.decode()
        for shown in (
            "No prices in the parcel.",
            "生日快樂 🎂<br>Love, Mei",
            "Leave it at the reception<br>ring",
        ):
            assert shown in page, url


def test_the_merchant_sees_it_in_the_administration(admin_client, gift):
    pay(gift)
    page = admin_client.get(f"/en/admin/checkout/order/{gift.pk}/change/").content.decode()
    assert "生日快樂 🎂" in page
    assert "gift: no prices in the parcel" in page.lower()
    assert "𠮷田・陳大文" in page
    page = admin_client.get(f"/en/admin/checkout/order/{gift.pk}/ship/").content.decode()
    assert "Gift: put no prices in the parcel." in page
    assert "生日快樂 🎂<br>Love, Mei" in page
    ship = re.search(r'<form method="post" novalidate class="ship-form">.*?</form>', page, re.DOTALL).group(0)
    assert "HK$" not in ship


def test_the_mails_go_to_the_buyer_and_the_merchant_reads_of_the_gift(gift, deliver_outbox):
    pay(gift)
    deliver_outbox()
    assert mail.outbox
    told = [sent for sent in mail.outbox if "mei@example.com" not in sent.to]
    assert [sent for sent in mail.outbox if "mei@example.com" in sent.to]
    text = "\n".join(sent.body for sent in told)
    assert "\n".join(f"> {line}" for line in CARD.splitlines()) in text  # no line of it looks like the shop's
    assert "𠮷田・陳大文" in text
    for sent in mail.outbox:
        assert "𠮷田・陳大文" in sent.body
        assert "𠮷田・陳大文" in sent.alternatives[0][0]


def test_an_order_that_is_no_gift_says_nothing_of_one(client):
    add(client, make_goods())
    post(client)
    order = Order.objects.get()
    assert not order.is_gift
    assert "Text of the card" not in client.get(order.get_absolute_url()).content.decode()


def test_a_card_without_the_tick_is_asked_about(client):
    add(client, make_goods())
    page = post(client, card_text=CARD).content.decode()
    assert "Please tick “This is a gift” above, or empty the card." in page
    assert 'href="#id_card_text"' in page
    assert "Love, Mei" in page
    assert not Order.objects.exists()


@pytest.mark.parametrize(("field", "most"), [("card_text", 200), ("delivery_note", 300)])
def test_the_limit_is_shown_and_kept(client, field, most):
    add(client, make_goods())
    page = client.get("/en/checkout/").content.decode()
    assert f"at most {most} characters" in page
    assert "maxlength" not in page  # it would cut off what is pasted without a word
    page = post(client, is_gift="on", **{field: "字" * (most + 1)}).content.decode()
    assert f"Please shorten this to at most {most} characters; it has {most + 1}." in page
    assert post(client, is_gift="on", **{field: "字" * most}).status_code == 302


def test_a_card_changed_on_going_back_changes_the_order(client, gift):
    post(client, **{**GIFT, "card_text": "Another"}, recipient="𠮷田・陳大文")
    gift.refresh_from_db()
    assert (gift.card_text, gift.revision) == ("Another", 2)
