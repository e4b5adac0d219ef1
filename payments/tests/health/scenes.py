"""Moments, failures and rows that several tests of money health need."""

import datetime as dt

from payments.gateways.base import GatewayError
from payments.models import Dispute, GatewayEvent
from shop import clock

KEY = "0" * 32


def ago(**time):
    return clock.now() - dt.timedelta(**time)


def fail(*_arguments, **_options):
    raise GatewayError("timeout")


# --- what gateways send ---


def make_event(payment, number=1, **changes):
    values = {
        "gateway": "paypal",
        "event_id": f"WH-{number}",
        "kind": "PAYMENT.CAPTURE.COMPLETED",
        "body": b"",
        "received_at": ago(minutes=10),
        "is_verified": True,
        "payment": payment,
    }
    return GatewayEvent.objects.create(**(values | changes))


def make_dispute(payment, **changes):
    values = {"reference": "PP-D-1", "reason": "NOT_RECEIVED", "status": "OPEN", "opened_at": clock.now()}
    payment.order.is_disputed = True
    payment.order.save(update_fields=["is_disputed"])
    return Dispute.objects.create(payment=payment, **(values | changes))
