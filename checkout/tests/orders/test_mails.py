"""What arrives in a mailbox and stands on labels: all that was bought, and numbers as they were meant."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.models import Order
from checkout.tests.intake_scenes import checkout, order_of
from checkout.tests.scenes import add, make_cart, make_goods, make_service, pay, place, placed_in, post

pytestmark = pytest.mark.django_db
CLIPPED = 102 * 1024  # bytes of HTML from which on a large provider of mailboxes shows the beginning only
NUMBERS = {  # as typed for Hong Kong: as it is printed in English
    "0086 138 0013 8000": "+86 138 0013 8000",
    "0085291234567": "+852 9123 4567",
    "00886 912 345 678": "+886 912 345 678",
    "2881 2345 轉 12": "+852 2881 2345 ext. 12",
    "2881 2345 #12": "+852 2881 2345 ext. 12",
}


def test_a_confirmation_of_many_goods_arrives_whole(deliver_outbox):
    goods = [make_goods(f"TEA-{number}", on_hand=9) for number in range(37)]
    pay(place(make_cart(*((variant, 1) for variant in goods))))
    deliver_outbox()
    [message] = [each for each in mail.outbox if each.to == ["mei@example.com"]]
    html = message.alternatives[0].content
    assert len(html.encode()) < CLIPPED / 2
    assert html.count("Test tea") == message.body.count("Test tea") == 37


def test_a_number_is_printed_as_it_was_meant_with_its_extension_wherever_it_stands(boss, deliver_outbox):
    tea = make_goods(on_hand=99)
    for typed, printed in NUMBERS.items():
        client = Client()
        add(client, tea)
        to_pay = post(client, phone=typed).url
        order = pay(Order.objects.order_by("pk").last())
        mail.outbox.clear()
        deliver_outbox()
        pages = [client.get(to_pay, follow=True), placed_in(client, order).get(order.get_absolute_url())]
        pages += [
            boss.get(reverse(f"admin:checkout_order_{page}", args=[order.pk])) for page in ("ship", "change")
        ]
        texts = [page.content.decode() for page in pages]
        texts += [mail.outbox[0].body, mail.outbox[0].alternatives[0].content]
        assert [text for text in texts if printed not in text] == [], typed


def test_the_consultant_reads_the_number_of_the_client_as_it_was_meant():
    service = make_service()
    service.product.questions.all().delete()
    for typed, printed in NUMBERS.items():
        client = Client()
        add(client, service)
        order = order_of(checkout(client, service, **{f"v{service.pk}-phone": typed}))
        answers = {
            answer["key"]: answer["shown_en"] for answer in order.lines.get().intakes.get(subject=0).answers
        }
        assert answers["phone"] == printed
