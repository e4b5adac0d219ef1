"""What checkout tells of the money's health: each fact is broken, found, and right again after its repair."""

import datetime as dt
import inspect

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction

from checkout.models import Order, Shipment, StockMovement
from checkout.orders import corrections, failed_mails
from checkout.shipping.fulfilment import ship
from checkout.tests.health_scenes import OURS, URL, ours, reds, repair
from checkout.tests.scenes import make_cart, make_goods, make_service, pay, place, placed_in
from shop import clock
from shop.background import outbox
from shop.models import OutboxMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def tea():
    return make_goods(on_hand=5)


@pytest.fixture
def order(tea):
    return pay(place(make_cart((tea, 2), (make_service(), 1))))


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_shop_in_order_is_told_to_be(order, boss):
    waiting = make_goods("TEA-901")
    place(make_cart((waiting, 3)))
    assert {name: check.state for name, check in ours().items()} == dict.fromkeys(OURS, "ok")


# --- stock ---


def test_books_that_do_not_say_what_is_on_the_shelf_follow_it_once_it_is_counted(order, boss, tea):
    sql("UPDATE catalog_variant SET on_hand = on_hand - 1 WHERE id = %s", tea.pk)
    finding = ours()["stock"].findings[0]
    assert finding.text == "TEA-900: 2 on hand, but its movements add up to 3."
    repair(boss, "stock")
    assert reds() == set()
    tea.refresh_from_db()
    assert tea.on_hand == 2
    receipt = tea.receipts.first()
    assert (receipt.kind, receipt.quantity, receipt.by) == ("correct", -1, "boss")


def test_a_sale_between_look_and_click_leaves_the_difference_as_it_was(order, boss, tea):
    sql("UPDATE catalog_variant SET on_hand = on_hand + 4 WHERE id = %s", tea.pk)
    finding = ours()["stock"].findings[0]
    pay(place(make_cart((tea, 1))))
    finding.repair.act("boss")
    assert reds() == set()
    assert tea.receipts.first().quantity == 4


def test_a_reserved_figure_follows_what_orders_hold(boss, tea):
    place(make_cart((tea, 2)))
    sql("UPDATE catalog_variant SET reserved = 4 WHERE id = %s", tea.pk)
    assert reds() == {"stock"}
    assert ours()["stock"].findings[0].text == "TEA-900: 4 reserved, but orders hold 2."
    repair(boss, "stock")
    assert reds() == set()
    tea.refresh_from_db()
    assert tea.reserved == 2


def test_more_held_than_there_is_needs_the_stock_corrected_first(boss, tea):
    place(make_cart((tea, 4)))
    sql("UPDATE catalog_variant SET reserved = 0, on_hand = 3 WHERE id = %s", tea.pk)
    assert "Orders hold more than is on hand." in repair(boss, "stock", f"reserved-{tea.pk}")
    assert reds() == {"stock"}


def test_who_may_not_change_goods_may_not_set_their_books(order, client, tea):
    sql("UPDATE catalog_variant SET on_hand = on_hand - 1 WHERE id = %s", tea.pk)
    user = User.objects.create_user("half", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_payment", "change_payment"]))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert "Put the books right" not in client.get(URL).content.decode()
    posted = {"check": "stock", "finding": f"on-hand-{tea.pk}"}
    assert client.post(f"{URL}repair/", posted).status_code == 403


def test_goods_that_come_back_are_in_the_books(order, tea):
    StockMovement.objects.create(variant=tea, order=order, kind="return", hold=7, quantity=1, at=clock.now())
    assert reds() == {"stock"}
    sql("UPDATE catalog_variant SET on_hand = on_hand + 1 WHERE id = %s", tea.pk)
    assert reds() == set()


@pytest.mark.parametrize(
    ("status", "on_hand", "label"), [("expired", 5, "Release the goods"), ("paid", 3, "Count as sold")]
)
def test_an_order_that_waits_no_more_lets_its_goods_go(boss, tea, status, on_hand, label):
    order = place(make_cart((tea, 2)))
    sql("UPDATE checkout_order SET status = %s WHERE id = %s", status, order.pk)
    assert ours()["holds"].state == "red"
    assert "still holds 2 × TEA-900" in ours()["holds"].findings[0].text
    assert ours()["holds"].findings[0].repair.label == label
    repair(boss, "holds")
    assert {"holds", "stock"} & reds() == set()
    tea.refresh_from_db()
    assert (tea.on_hand, tea.reserved) == (on_hand, 0)


def test_more_sold_than_was_ever_held_is_for_a_person(order, boss, tea):
    sql("UPDATE checkout_stockmovement SET quantity = 3 WHERE kind = 'sell'")
    assert {"stock", "holds"} <= reds()
    assert "More was sold than the order ever held." in repair(boss, "holds")


# --- mails ---


def test_a_message_that_nobody_has_taken_is_delivered_now(order, boss):
    OutboxMessage.objects.update(due_at=clock.now() - dt.timedelta(minutes=6))
    assert reds() == {"messages"}
    finding = ours()["messages"].findings[0]
    assert "mail.order_confirmation" in finding.text + ours()["messages"].findings[1].text
    assert boss.get(finding.url).status_code == 200
    for _ in range(OutboxMessage.objects.count()):
        repair(boss, "messages")
    assert reds() == set()


def test_a_message_that_keeps_failing_stays_red_until_it_is_delivered(order, boss, deliver_outbox):
    OutboxMessage.objects.update(
        attempts=3,
        last_error="SMTPServerDisconnected",
        due_at=clock.now() + dt.timedelta(hours=1),
        created_at=clock.now() - dt.timedelta(minutes=6),
    )
    assert reds() == {"messages"}
    assert "tried 3 times, last error SMTPServerDisconnected" in ours()["messages"].findings[0].text
    assert "It has been started" in repair(boss, "messages")
    OutboxMessage.objects.update(due_at=clock.now())
    deliver_outbox()
    assert reds() == set()


def test_a_message_that_failed_once_is_given_time(order):
    OutboxMessage.objects.update(attempts=1, last_error="X", due_at=clock.now() + dt.timedelta(seconds=10))
    assert reds() == set()


@pytest.mark.parametrize("topic", ["mail.order_confirmation", "mail.new_order"])
def test_a_paid_order_without_its_mail_gets_it(order, boss, topic):
    sql("DELETE FROM shop_outboxmessage WHERE topic = %s", topic)
    assert reds() == {"mails"}
    repair(boss, "mails")
    assert reds() == set()
    assert OutboxMessage.objects.get(topic=topic).payload == {"order_id": order.pk}


def test_a_parcel_without_its_mail_gets_it(order, boss):
    line = order.lines.get(ships=True)
    ship(order.pk, carrier="sf", tracking_number="SF123456", quantities={line.pk: 2}, actor="x")
    assert reds() == set()
    sql("DELETE FROM shop_outboxmessage WHERE topic = 'mail.order_shipped'")
    assert reds() == {"mails"}
    repair(boss, "mails")
    assert reds() == set()
    message = OutboxMessage.objects.get(topic="mail.order_shipped")
    assert message.payload == {"shipment_id": Shipment.objects.get().pk}


def test_every_mail_about_an_order_has_a_name_for_staff():
    nameless = [
        topic
        for topic, handlers in outbox._handlers.items()
        for handler in handlers
        if topic.startswith(("mail.", "message.", "report."))
        and "concerns=" in inspect.getsource(inspect.getmodule(handler))
        and failed_mails.name_of(topic) == topic
    ]
    assert nameless == []
    assert failed_mails._SUBJECTS.keys() <= outbox._handlers.keys(), "of mails that are no more"


def test_a_mailbox_that_does_not_exist_is_told_on_the_order_and_to_its_buyer(order, boss, client):
    OutboxMessage.objects.update(delivered_at=clock.now())
    given_up = {"given_up_at": clock.now(), "last_error": "mailbox unknown (550)", "concerns": order.number}
    OutboxMessage.objects.filter(topic="mail.order_confirmation").update(delivered_at=None, **given_up)
    [finding] = ours()["messages"].findings
    assert f"Order {order.number}: a mail" in finding.text
    shown = boss.get(finding.url).content.decode()  # the order's own page
    assert "mailbox unknown (550)" in shown
    assert ("Order confirmation</a>" in shown, "mail.order_confirmation" in shown) == (True, False)
    page = placed_in(client, order).get(order.get_absolute_url()).content.decode()
    assert "The mailbox mei@example.com does not take it. Please check the address." in page
    assert "on its way to" not in page
    with transaction.atomic():
        corrections.readdress(Order.objects.lock(order.pk), "new@example.com", actor="staff")
    assert "messages" not in reds()
