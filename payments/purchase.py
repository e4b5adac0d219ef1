"""From our rows to the values that gateways understand."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from payments.gateways.base import Address, Item, Purchase
from payments.models import Payment


def purchase_of(payment: Payment) -> Purchase:
    """Build the value that describes the attempt to a gateway."""
    order = payment.order
    with override(order.language):
        page = settings.SITE_URL + reverse("payments:pay", args=[order.token])
        items = tuple(
            Item(line.name, line.unit_price, line.quantity, line.sku, line.ships)
            for line in order.lines.all()
        )
    if payment.gateway == "paypal":
        return_url = f"{page}return/"
    else:
        return_url = settings.SITE_URL + reverse("gateways:unionpay_return")
    return Purchase(
        reference=payment.reference,
        order_number=order.number,
        amount=payment.amount,
        currency=payment.currency,
        language=order.language,
        started_at=payment.started_at,
        pay_until=payment.pay_until,
        return_url=return_url,
        cancel_url=f"{page}cancel/",
        notify_url=settings.SITE_URL + reverse("gateways:notify", args=[payment.gateway]),
        create_key=payment.create_key,
        capture_key=payment.capture_key,
        gateway_id=payment.gateway_id,
        items=items,
        shipping=order.shipping_total,
        discount=order.discount_total,
        address=_address(payment),
        on_phone=payment.on_phone,
    )


def _address(payment: Payment) -> Address | None:
    """None where nothing goes to a street: gateways have no form for a locker."""
    order = payment.order
    if not order.needs_shipping or order.address.get("locker"):
        return None
    part = {name: order.address.get(name, "") for name in ("area", "city", "line1", "line2", "postcode")}
    if order.address.get("district"):  # gateways know two levels above the street
        part["line1"] = f"{order.address['district']} {part['line1']}"
    return Address(recipient=order.recipient, country=order.region, **part)
