"""What PayPal lists as told to our webhooks: page by page, to the end."""

import datetime as dt
from urllib.parse import urlencode

from payments.gateways.paypal import announcements, gateway
from shop import clock


def test_money_is_listed_with_its_capture_and_our_reference(captured, paypal):
    purchase, capture = captured()
    listed = paypal.announced(clock.now() - dt.timedelta(minutes=5), clock.now())
    [money] = [each for each in listed if each.gateway_id == capture.reference]
    assert (money.kind, money.amount) == ("PAYMENT.CAPTURE.COMPLETED", "HKD 1234.50")
    assert money.reference == purchase.reference


def test_every_page_is_read(captured, paypal, monkeypatch):
    for _ in range(2):
        captured()
    time = clock.now() - dt.timedelta(minutes=5), clock.now()
    whole = paypal.announced(*time)
    assert len({each.gateway_id for each in whole}) > 1
    monkeypatch.setattr(gateway, "urlencode", lambda query: urlencode({**query, "page_size": 1}))
    assert set(whole) <= set(paypal.announced(*time)), "what is announced meanwhile may come in addition"


def test_the_next_page_is_asked_of_nobody_else():
    elsewhere = "https://elsewhere.example/v1/notifications/webhooks-events?page=2"
    body = {"events": [{}], "links": [{"rel": "next", "href": elsewhere}]}
    assert announcements.next_query(body) == "page=2"
