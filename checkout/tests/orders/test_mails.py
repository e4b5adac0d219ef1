"""What arrives in a mailbox and stands on labels: all that was bought, and numbers as they were meant."""

import datetime as dt
import smtplib

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from checkout.models import EmailCorrection, Order, PrivacyRequest
from checkout.orders import corrections
from checkout.privacy import erasure
from checkout.shipping import fulfilment
from checkout.tests.intake_scenes import checkout, order_of
from checkout.tests.scenes import add, make_cart, make_goods, make_service, pay, place, placed_in, post
from shop import clock
from shop.models import OutboxMessage

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
    for number, (typed, printed) in enumerate(NUMBERS.items()):
        client = Client()
        add(client, service)
        changes = {"email": f"m{number}@example.com", f"v{service.pk}-phone": typed}
        order = order_of(checkout(client, service, **changes))
        answers = {
            answer["key"]: answer["shown_en"] for answer in order.lines.get().intakes.get(subject=0).answers
        }
        assert answers["phone"] == printed


# --- the last mail to a mailbox ---


def last_mails():
    """An order given to another mailbox, and one erased: each tells the mailbox that it leaves."""
    one, other = (pay(place(make_cart((make_goods(f"TEA-{number}"), 1)))) for number in (1, 2))
    OutboxMessage.objects.update(delivered_at=clock.now())
    corrections.correct(one.pk, corrections.Correction("right@example.com", one.recipient, one.phone))
    request = PrivacyRequest.objects.create(order=other, kind="erasure", asked_at=clock.now(), email="")
    pieces = {other.lines.get().pk: 1}
    fulfilment.ship(other.pk, carrier="hand", tracking_number="", quantities=pieces, actor="wong")
    assert erasure.carry_out(erasure.confirm(request).pk)
    OutboxMessage.objects.exclude(topic__in=["mail.email_corrected", "mail.order_erased"]).update(
        delivered_at=clock.now()
    )


REFUSED = smtplib.SMTPRecipientsRefused({"mei@example.com": (550, b"no such mailbox")})


@pytest.mark.parametrize(("error", "hours"), [(REFUSED, 0), (ConnectionRefusedError(), 49)])
def test_a_mailbox_that_cannot_be_told_is_forgotten_and_nobody_is_called(
    monkeypatch, deliver_outbox, settings, tmp_path, error, hours
):
    """Often it is left because it does not exist; nobody could put its address right."""

    def refuse(*_):
        raise error

    last_mails()
    monkeypatch.setattr(mail.EmailMultiAlternatives, "send", refuse)
    deliver_outbox()
    settings.CLOCK_FILE = tmp_path / "clock"
    settings.CLOCK_FILE.write_text(str(dt.timedelta(hours=hours).total_seconds()))
    deliver_outbox()
    assert not OutboxMessage.objects.filter(delivered_at=None).exists()
    kept = [*EmailCorrection.objects.values_list("old_email"), *PrivacyRequest.objects.values_list("email")]
    assert kept == [("",), ("",)]
