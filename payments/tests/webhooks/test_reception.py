"""What is kept of notifications: of forged ones next to nothing, some strange ones, all genuine ones."""

import datetime as dt
import json
import uuid
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now

from checkout.tests.scenes import make_cart, make_goods, place
from payments.attempts import services as attempts
from payments.models import GatewayEvent, Payment
from payments.sandbox.paypal import webhooks
from payments.tests.harness.health_scenes import state
from payments.tests.harness.paypal_scenes import take
from payments.webhooks import inbox as shop_inbox
from payments.webhooks import reception, views
from shop.models import Try

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gateway"), pytest.mark.failure("F37", "F39")]
URL = "/pay/notify/paypal/"


@pytest.fixture
def payment():
    order = place(make_cart((make_goods(on_hand=5), 1)))
    return attempts.pay(order.pk, method=Payment.Method.PAYPAL, revision=1)


@pytest.fixture
def few(settings):
    """Room for three that nobody has verified."""
    settings.PAYPAL_NOTICES_WAITING = 3


def event(number, **resource):
    return {"id": f"WH-{number}", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": resource}


def body_of(document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def forged(settings, **changes):
    """Headers that look as PayPal's do."""
    return {
        "PayPal-Auth-Algo": "SHA256withRSA",
        "PayPal-Cert-Url": f"{settings.PAYPAL_API_BASE}/v1/notifications/certs/CERT-1",
        "PayPal-Transmission-Id": str(uuid.uuid4()),
        "PayPal-Transmission-Sig": "A" * 344,
        "PayPal-Transmission-Time": now().strftime("%Y-%m-%dT%H:%M:%SZ"),
    } | changes


def post(headers, document, network="203.0.113.7"):
    return Client().post(
        URL, body_of(document), content_type="application/json", headers=headers, REMOTE_ADDR=network
    )


def kept_bytes() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(octet_length(t::text)), 0) FROM payments_gatewayevent t")
        return cursor.fetchone()[0]


def test_of_the_headers_only_the_five_are_kept_that_verification_needs(settings):
    many = {f"PayPal-X{number}": "x" * 8_000 for number in range(50)} | {"X-Canary": "canary"}
    assert post(forged(settings) | many, event(1)).status_code == 200
    assert set(GatewayEvent.objects.get().headers) == {
        "paypal-auth-algo",
        "paypal-cert-url",
        "paypal-transmission-id",
        "paypal-transmission-sig",
        "paypal-transmission-time",
    }


def at(**time):
    return (now() + dt.timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


IMPLAUSIBLE = {
    "PayPal-Cert-Url": [
        "https://paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://evilpaypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:443@evil.example/v1/notifications/certs/CERT-1",
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/other/CERT-1",
        "https://[::1/v1/notifications/certs/CERT-1",
    ],
    "PayPal-Auth-Algo": ["SHA1withRSA", "none", "MD5withRSA"],
    "PayPal-Transmission-Id": ["1", "x y z a b c d", "a/b/c/d/e/f/g/h"],
    "PayPal-Transmission-Sig": ["short", "!" * 344],
    "PayPal-Transmission-Time": ["", "yesterday", "2026-11-30T10:00:00", at(days=-5), at(days=2), "9" * 90],
}


def test_what_paypal_cannot_have_written_is_refused_before_anything_is_stored(settings, monkeypatch):
    monkeypatch.setattr(reception.REFUSED.__class__, "take", lambda self, key: [1])
    for header, values in IMPLAUSIBLE.items():
        for value in values:
            assert post(forged(settings, **{header: value}), event(1)).status_code == 400, (header, value)
    assert not GatewayEvent.objects.exists()


@pytest.mark.parametrize("host", ["api.paypal.com", "api.sandbox.paypal.com", "api-m.paypal.com"])
def test_where_paypal_s_certificates_lie_is_known(settings, host):
    address = f"https://{host}/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77"
    assert post(forged(settings, **{"PayPal-Cert-Url": address}), event(1)).status_code == 200


@pytest.mark.parametrize("gateway", ["paypal", "unionpay"])
def test_what_is_too_long_is_not_even_read(rf, gateway):
    request = rf.post(f"/pay/notify/{gateway}/", b"x", content_type="x/y", CONTENT_LENGTH=str(64 * 1024 + 1))
    request._stream = None  # whoever reads it fails
    assert views.notify(request, gateway).status_code == 400


def test_events_that_are_about_no_money_are_answered_and_not_kept(settings):
    for kind in ("VAULT.PAYMENT-TOKEN.CREATED", "BILLING.PLAN.CREATED", "", None):
        assert post(forged(settings), event(1) | {"event_type": kind}).status_code == 200
    assert not GatewayEvent.objects.exists()


def test_of_what_paypal_disowns_only_that_is_kept_by_which_a_repetition_is_known(settings, monkeypatch):
    headers, document = forged(settings), event(1, note="canary" * 1_000)
    assert post(headers, document).status_code == 200
    shop_inbox.process(GatewayEvent.objects.get())
    row = GatewayEvent.objects.get()
    assert (row.is_verified, row.headers, bytes(row.body)) == (False, {}, b"")
    assert (row.network, row.refused_for) == ("203.0.113.7/32", "PayPal has not sent it")
    assert kept_bytes() < 500

    assert post(headers, document).status_code == 400, "the same bytes again: PayPal is not asked"
    assert GatewayEvent.objects.get().is_verified is False
    assert post(headers, event(1, note="other")).status_code == 200, "others under its name may be genuine"
    shop_inbox.process(GatewayEvent.objects.get())
    GatewayEvent.objects.update(received_at=now() - reception.ASKED_AGAIN_AFTER)
    assert post(headers, event(1, note="other")).status_code == 200, "a setting of ours may have been wrong"


def test_only_so_many_wait_that_are_about_nothing_we_know(settings, few, payment):
    answers = [post(forged(settings), event(number), f"198.51.{number}.1") for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1]["Retry-After"] == "60"
    assert GatewayEvent.objects.count() == 3
    about_ours = event(99, custom_id=payment.reference)
    assert post(forged(settings), about_ours, "198.51.9.1").status_code == 200, "they have room of their own"
    shop_inbox.process(GatewayEvent.objects.filter(payment=None).first())
    assert post(forged(settings), event(3), "198.51.3.1").status_code == 200, "there is room again"


@pytest.fixture
def paid(payment):
    """One whose money has come."""
    Payment.objects.filter(pk=payment.pk).update(status="captured", capture_reference="8MC585209K746392H")
    payment.refresh_from_db()
    return payment


def copies(payment, count, **changes):
    """More of them, as rows of its order."""
    same = {field.attname: getattr(payment, field.attname) for field in Payment._meta.concrete_fields}
    keys = ("create_key", "capture_key")
    return Payment.objects.bulk_create(
        Payment(
            **same
            | {"id": None, "status": "declined", "pays_order": False, "reference": f"COPY{number:06}"}
            | {name: uuid.uuid4().hex for name in keys}
            | changes
        )
        for number in range(count)
    )


@pytest.mark.parametrize(("most", "has_money"), [("PER_PAYMENT", True), ("PER_UNPAID", False)])
def test_one_payment_takes_no_room_from_others(settings, payment, monkeypatch, most, has_money):
    """Its buyer knows its name, and nobody else's."""
    monkeypatch.setattr(reception, most, 2)
    Payment.objects.update(capture_reference="8MC585209K746392H" if has_money else "")
    codes = [post(forged(settings), event(n, custom_id=payment.reference)).status_code for n in range(4)]
    assert codes == [200, 200, 429, 429]


def test_what_names_payments_that_anybody_can_begin_takes_no_room_from_money_that_has_come(
    settings, few, payment
):
    """PayPal tells of complaints in no other way."""
    unpaid = copies(payment, 8)
    settings.PAYPAL_NOTICES_WAITING = 4
    mine = [event(f"N{one.pk}", custom_id=one.reference) for one in unpaid]
    codes = [post(forged(settings), mine[number]).status_code for number in range(3)]
    assert codes == [200, 200, 429], "of one network half of the room"
    codes = [post(forged(settings), mine[number], f"198.51.{number}.1").status_code for number in range(2, 6)]
    assert codes == [200, 200, 429, 429]
    [paid] = copies(payment, 1, reference="PAID000001", capture_reference="8MC585209K746392H")
    assert post(forged(settings), event("P", custom_id=paid.reference)).status_code == 200
    assert GatewayEvent.objects.about_money().count() == 1


def test_money_comes_first_and_then_orders_and_networks_take_turns(payment):
    received = now() - dt.timedelta(hours=1)

    def waits(name, about, network, **more):
        nonlocal received
        received += dt.timedelta(seconds=1)
        GatewayEvent.objects.create(
            gateway="paypal", event_id=name, payment=about, network=network, received_at=received, **more
        )

    own = [
        attempts.get_or_create_attempt(
            place(make_cart((make_goods(f"TEA-92{number}"), 1))).pk, method=Payment.Method.PAYPAL, revision=1
        )
        for number in range(4)
    ]
    for number in range(12):
        waits(f"strange{number}", None, "203.0.113.9/32")
    waits("strange, of another", None, "198.51.100.1/32")
    for number in range(12):
        waits(f"many orders{number}", own[number % 3], "203.0.113.9/32")
    for number in range(12):
        waits(f"many networks{number}", own[3], f"192.0.2.{number}/32")
    waits("of a buyer", payment, "173.0.81.1/32")
    [paid] = copies(payment, 1, reference="PAID000001", capture_reference="8MC585209K746392H")
    waits("money", paid, "173.0.81.1/32")
    waits("proven", None, "173.0.81.1/32", is_verified=True)
    names = list(GatewayEvent.objects.due().values_list("event_id", flat=True))
    assert names[:5] == ["money", "proven", "many orders0", "many networks0", "of a buyer"]
    assert set(names[-13:-11]) == {"strange0", "strange, of another"}


@pytest.mark.parametrize("share", ["STRANGE_ONES", "KNOWN_ONES"])
def test_one_network_takes_no_room_from_others(settings, paid, monkeypatch, share):
    about = {"custom_id": paid.reference} if share == "KNOWN_ONES" else {}
    monkeypatch.setattr(reception, share, replace(getattr(reception, share), limit=2))
    codes = [post(forged(settings), event(number, **about)).status_code for number in range(4)]
    assert codes == [200, 200, 429, 429]
    assert post(forged(settings), event(9, **about), "192.0.2.1").status_code == 200


def test_all_that_name_payments_of_ours_have_room_for_so_many_together(settings, few, paid, monkeypatch):
    """Buyers can name their own payments, each of many: nothing that waits may grow without end."""
    monkeypatch.setattr(reception, "ROOM_FOR_PAID", 1)
    codes = [post(forged(settings), event(n, custom_id=paid.reference)).status_code for n in range(5)]
    assert codes == [200, 200, 200, 429, 429]


def test_a_burst_of_genuine_ones_is_stored_whole_even_while_strangers_fill_their_room(settings, few, payment):
    """A sale: all from one address of PayPal's, faster than anybody verifies them."""
    for number in range(4):
        post(forged(settings), event(number), f"198.51.{number}.1")
    settings.PAYPAL_NOTICES_WAITING = 50  # times ten for these: a tenth of what is set for a real shop
    others = copies(payment, 120, capture_reference="8MC585209K746392H")
    for number, one in enumerate(others):
        body = body_of(event(f"B{number}", custom_id=one.reference))
        headers = webhooks.signed_headers(body)
        known = {name: value for name, value in headers.items() if name.lower().startswith("paypal")}
        answer = Client().post(URL, body, content_type="application/json", headers=known)
        assert answer.status_code == 200
    assert GatewayEvent.objects.exclude(payment=None).count() == len(others)


def test_the_alarm_counts_those_that_leave_nothing_too(settings):
    for number in range(11):
        post(forged(settings, **{"PayPal-Auth-Algo": "none"}), event(number))
    for number in range(10):
        take(forged(settings), body_of(event(number)))
    assert state("forgeries") == "note"
    assert reception.count_refused(now() - dt.timedelta(hours=1)) == 21


def test_a_flood_of_refused_ones_writes_no_more_than_it_may(settings, monkeypatch, caplog):
    monkeypatch.setattr(reception, "REFUSED", replace(reception.REFUSED, limit=3))
    for gateway, body in [("paypal", b"{}"), ("unionpay", b"a=1")] * 5:
        assert Client().post(f"/pay/notify/{gateway}/", body, content_type="x/y").status_code == 400
    assert not GatewayEvent.objects.exists()
    assert Try.objects.filter(purpose="refused-notice").exclude(network__endswith="/24").count() == 3
    assert sum("refused" in record.getMessage() for record in caplog.records) == 3
