"""PayPal's own, newer SDK as a second client of the stand-in: what it accepts was not made to our measure."""

import uuid

import pytest
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.amount_breakdown import AmountBreakdown
from paypalserversdk.models.amount_with_breakdown import AmountWithBreakdown
from paypalserversdk.models.checkout_payment_intent import CheckoutPaymentIntent
from paypalserversdk.models.item import Item
from paypalserversdk.models.money import Money
from paypalserversdk.models.order_request import OrderRequest
from paypalserversdk.models.order_tracker_request import OrderTrackerRequest
from paypalserversdk.models.payment_source import PaymentSource
from paypalserversdk.models.paypal_wallet import PaypalWallet
from paypalserversdk.models.paypal_wallet_experience_context import PaypalWalletExperienceContext
from paypalserversdk.models.purchase_unit_request import PurchaseUnitRequest
from paypalserversdk.models.refund_request import RefundRequest
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient


@pytest.fixture
def client(sandbox, settings, monkeypatch):
    """It has no public option for another address."""
    monkeypatch.setitem(
        Configuration.environments[Environment.SANDBOX], Server.DEFAULT, settings.PAYPAL_API_BASE
    )
    return PaypalServersdkClient(
        client_credentials_auth_credentials=ClientCredentialsAuthCredentials(
            o_auth_client_id=settings.PAYPAL_CLIENT_ID, o_auth_client_secret=settings.PAYPAL_CLIENT_SECRET
        ),
        environment=Environment.SANDBOX,
        timeout=10,
    )


def money(value):
    return Money(currency_code="HKD", value=value)


def order_request(sandbox):
    context = PaypalWalletExperienceContext(
        return_url=f"{sandbox}/back", cancel_url=f"{sandbox}/cancel", user_action="PAY_NOW"
    )
    item = Item(name="Rougui", unit_amount=money("100.00"), quantity="2", sku="TEA-001")
    breakdown = AmountBreakdown(item_total=money("200.00"), shipping=money("30.00"))
    unit = PurchaseUnitRequest(
        amount=AmountWithBreakdown(currency_code="HKD", value="230.00", breakdown=breakdown),
        items=[item],
        custom_id=uuid.uuid4().hex[:20],
        invoice_id=uuid.uuid4().hex[:20],
    )
    source = PaymentSource(paypal=PaypalWallet(experience_context=context))
    return OrderRequest(intent=CheckoutPaymentIntent.CAPTURE, purchase_units=[unit], payment_source=source)


def test_the_official_client_goes_all_the_way(client, sandbox, approve):
    """Create, show, capture, repeat, refund, repeat, track."""
    full = "return=representation"
    create = {"body": order_request(sandbox), "prefer": full, "paypal_request_id": uuid.uuid4().hex}
    created = client.orders.create_order(create)
    assert created.status_code == 200  # as for every order with a payment source
    again = client.orders.create_order(create)
    assert (again.status_code, again.body.id) == (200, created.body.id)
    order = {"id": created.body.id}
    assert client.orders.get_order(order).body.status == "PAYER_ACTION_REQUIRED"

    page = next(link.href for link in created.body.links if link.rel == "payer-action")
    approve(page)
    capture = {**order, "prefer": full, "paypal_request_id": uuid.uuid4().hex}
    captured = client.orders.capture_order(capture)
    taken = captured.body.purchase_units[0].payments.captures[0]
    assert (captured.status_code, taken.status, taken.amount.value) == (201, "COMPLETED", "230.00")
    repeated = client.orders.capture_order(capture)
    assert repeated.status_code == 200
    assert [each.id for each in repeated.body.purchase_units[0].payments.captures] == [taken.id]
    assert client.payments.get_captured_payment({"capture_id": taken.id}).body.status == "COMPLETED"

    track = OrderTrackerRequest(capture_id=taken.id, tracking_number="SF1234567890", carrier="SF_EX")
    assert client.orders.create_order_tracking({**order, "body": track}).status_code == 201

    refund = {
        "capture_id": taken.id,
        "body": RefundRequest(amount=money("30.00")),
        "prefer": full,
        "paypal_request_id": uuid.uuid4().hex,
    }
    given = client.payments.refund_captured_payment(refund)
    assert (given.status_code, given.body.status, given.body.amount.value) == (201, "COMPLETED", "30.00")
    repeated = client.payments.refund_captured_payment(refund)
    assert (repeated.status_code, repeated.body.id) == (200, given.body.id)
    assert client.payments.get_refund({"refund_id": given.body.id}).body.amount.value == "30.00"
    assert client.payments.get_captured_payment({"capture_id": taken.id}).body.status == "PARTIALLY_REFUNDED"


def test_the_official_client_reads_our_refusals(client):
    with pytest.raises(ErrorException) as unknown:
        client.orders.get_order({"id": "5O190127TN364715T"})
    assert unknown.value.response_code == 404
    assert unknown.value.name == "RESOURCE_NOT_FOUND"
    assert unknown.value.details[0].issue == "INVALID_RESOURCE_ID"


def test_the_official_client_cannot_capture_what_nobody_approved(client, sandbox):
    create = {"body": order_request(sandbox), "paypal_request_id": uuid.uuid4().hex}
    created = client.orders.create_order(create)
    with pytest.raises(ErrorException) as refusal:
        client.orders.capture_order({"id": created.body.id})
    assert (refusal.value.response_code, refusal.value.details[0].issue) == (422, "ORDER_NOT_APPROVED")
