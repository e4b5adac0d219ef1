"""What ``manage.py restored`` tells of a copy that may not speak yet."""

import datetime as dt
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import transaction

from checkout import services
from checkout.models import Order
from checkout.shipping import fulfilment
from checkout.tests.scenes import placed_in
from payments.attempts import settlement
from payments.gateways.base import GatewayError
from payments.health import restored
from payments.models import Payment
from payments.sandbox.paypal import dashboard
from payments.tests.harness.paypal_scenes import awaiting
from shop import clock
from shop.keyring import fingerprints
from shop.models import OutboxMessage


@pytest.fixture
def silent(settings):
    settings.OUTBOUND = False


def told(*options):
    output = StringIO()
    try:
        call_command("restored", *options, stdout=output)
    except SystemExit as end:
        return output.getvalue(), end.code
    return output.getvalue(), 0


def test_what_would_leave_is_told_and_stays(db, refund, silent):
    text, status = told()
    assert status == 0
    assert "The secrets are those of this database." in text
    assert f"refund of HKD 10.00 of order {refund.payment.order.number} would be asked of paypal" in text
    assert "mail.new_order: 1 would be delivered" in text
    assert "PayPal was not asked" in text
    assert not OutboxMessage.objects.exclude(delivered_at=None).exists()


def test_money_taken_after_the_backup_is_found(db, paid, settings, started, approve, paypal):
    purchase, url = started()  # an order that this database lost
    approve(url)
    lost = paypal.capture(purchase)
    settings.OUTBOUND = False
    with pytest.raises(GatewayError):
        paypal.fetch(purchase)
    text, status = told("--ask", "--since", (clock.now() - dt.timedelta(minutes=5)).isoformat())
    assert status == 1
    assert (
        f"HKD 1234.50, capture {lost.reference}, reference {purchase.reference}: nothing here knows" in text
    )
    assert paid.capture_reference not in text, "it is booked"


def test_a_refund_of_after_the_backup_is_told_and_booked_before_anything_leaves(db, paid, silent):
    refund = dashboard.dashboard_refund(paid.reference, 100)["refund"]
    assert f"refund {refund}: order {paid.order.number} lacks it" in told("--ask")[0]
    call_command("money_health", "--ask", stdout=StringIO())
    assert paid.refunds.get().reference == refund
    assert refund not in told("--ask")[0]
    lines = list(restored.files_to_compare(clock.now()))
    assert all("each refund" in line for line in lines), "UnionPay lists none"


def test_in_a_silent_copy_nothing_is_captured_by_asking(db, waiting, approve, silent):
    approve(waiting.approve_url)
    call_command("money_health", "--ask", stdout=StringIO())
    waiting.refresh_from_db()
    assert waiting.status == Payment.Status.AWAITING


def test_what_may_have_been_sent_since_is_told_and_held(db, paid, silent):
    number, before = paid.order.number, (clock.now() - dt.timedelta(days=2)).isoformat()
    assert f"order {number}, paid" in told()[0]
    assert number not in told("--hold", "--since", before)[0], "paid after that backup"
    assert "Put on hold: 1 orders." in told("--hold")[0]
    text, _status = told("--hold")
    assert "Put on hold: 0 orders." in text
    assert "pieces to send, on hold" in text
    held = paid.order.events.get(fact="on_hold")
    assert held.note == f"put on hold: {restored.WHY_HELD}"


def test_an_order_that_is_found_paid_later_is_held_until_then(board, waiting, approve, settings):
    order = waiting.order
    others = [awaiting(number).order for number in (901, 902, 903, 904)]
    expired, cancelled, reviewed, long_over = others
    services.cancel(cancelled.pk, actor="")
    with transaction.atomic():
        services.expire(Order.objects.lock(expired.pk))
        services.mark_under_review(Order.objects.lock(reviewed.pk), note="")
    ended = {"status": Payment.Status.DECLINED, "next_check_at": None}
    expired.payments.update(**ended)
    long_over.payments.update(**ended, started_at=clock.now() - dt.timedelta(days=9))
    settings.OUTBOUND = False
    text, _status = told("--hold")
    assert "Put on hold: 4 orders." in text
    assert long_over.number not in text
    for each in [order, expired, cancelled, reviewed]:
        assert f"order {each.number}, not paid, with a payment underway: 2 pieces to send, on hold" in text
    approve(waiting.approve_url)
    settings.OUTBOUND = True
    settlement.settle(waiting)
    order.refresh_from_db()
    assert (order.is_paid, order.on_hold) == (True, True)
    board.client.force_login(User.objects.get(), "django.contrib.auth.backends.ModelBackend")  # they ended
    page = board.client.get(f"/en/admin/checkout/order/{cancelled.pk}/change/").content.decode()
    assert "Release from hold" in page, "though it is not paid"
    with pytest.raises(fulfilment.OnHold):
        fulfilment.ship(order.pk, carrier="", tracking_number="", quantities={1: 1}, actor="boss")


def test_everybody_is_signed_out_and_the_owner_confirms_who_may_come_in(db, paid, client, silent):
    boss = User.objects.create_superuser("boss", "boss@example.com", "x")
    User.objects.create_user("gone", is_active=False)
    staff = User.objects.create_user("ship", is_staff=True)
    staff.groups.add(Group.objects.create(name="parcels"))
    client.force_login(boss)
    placed_in(client, paid.order)
    page = paid.order.get_absolute_url()
    assert "Mei Chan" in client.get(page).content.decode()
    text, _status = told()
    assert "boss: superuser" in text
    assert "ship: parcels" in text
    assert "gone" not in text
    assert Session.objects.exists(), "only --hold ends them"
    assert f"Ended: {Session.objects.count()} sessions" in told("--hold")[0]
    assert not Session.objects.exists()
    assert "Mei Chan" not in client.get(page).content.decode()


def test_what_cannot_be_asked_is_named_by_its_file(db, settings):
    settings.UNIONPAY_DAY_ENDS = "23:00"
    begin = clock.now() - dt.timedelta(days=2)
    lines = list(restored.files_to_compare(begin))
    assert len(lines) in {3, 4}
    assert all("transaction file (ZM)" in line for line in lines)


def test_a_copy_without_its_secrets_is_told_so(db, monkeypatch):
    monkeypatch.setattr(fingerprints, "problems", lambda: ["SEAL_KEYS lacks a secret"])
    with pytest.raises(CommandError, match="SEAL_KEYS lacks a secret"):
        told()
