"""The two ways in which apps above hear of an order."""

from dataclasses import dataclass, field
from typing import Any

from django.dispatch import Signal

# Sent inside the transaction that makes an order paid; a receiver that raises undoes the payment's record.
# Arguments: order.
order_paid = Signal()

# Asked when the confirmation page or mail is rendered. Arguments: order, reveal (False: the reader may be a
# stranger; show nothing secret). A receiver returns a Section or None.
confirmation_sections = Signal()


@dataclass(frozen=True)
class Section:
    """What another app adds to the confirmation: one template for the page, two for the mail."""

    page_template: str
    html_template: str
    text_template: str
    context: dict[str, Any] = field(default_factory=dict, repr=False)
