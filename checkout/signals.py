"""The two ways in which apps above hear of an order."""

from django.dispatch import Signal

# Sent inside the transaction that makes an order paid; a receiver that raises undoes the payment's record.
# Arguments: order.
order_paid = Signal()

# Asked when the confirmation mail or page is rendered. Arguments: order. A receiver returns a list of
# ``Section`` objects or an empty list.
confirmation_sections = Signal()
