"""For the audit trail: which order a payment or a refund belongs to, and which forms are deeds."""

from shop.audit import middleware, subjects, trail

subjects.declare("payments.payment", "order__number", part="payment_id")
subjects.declare("payments.refund", "payment__order__number", part="refund_id")
subjects.declare("payments.ledgerentry", "payment__order__number")
subjects.declare("payments.gatewayevent", "payment__order__number")
middleware.name_deed(trail.Deed.GATEWAY, page="admin:payments_payment_changelist", action="ask_gateway")
middleware.name_deed(trail.Deed.GATEWAY, page="admin:payments_money_ask")
