"""What arrives in a mailbox: all of it, however much was bought."""

import pytest
from django.core import mail

from checkout.tests.scenes import make_cart, make_goods, pay, place

pytestmark = pytest.mark.django_db
CLIPPED = 102 * 1024  # bytes of HTML from which on a large provider of mailboxes shows the beginning only


def test_a_confirmation_of_many_goods_arrives_whole(deliver_outbox):
    goods = [make_goods(f"TEA-{number}", on_hand=9) for number in range(37)]
    pay(place(make_cart(*((variant, 1) for variant in goods))))
    deliver_outbox()
    [message] = [each for each in mail.outbox if each.to == ["mei@example.com"]]
    html = message.alternatives[0].content
    assert len(html.encode()) < CLIPPED / 2
    assert html.count("Test tea") == message.body.count("Test tea") == 37
