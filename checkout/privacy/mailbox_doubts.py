"""Staff doubt that an order's mailbox is its customer's: what the mailbox alone would open stays closed."""

from django.db import transaction

from checkout import order_access
from checkout.models import Order
from shop import clock


@transaction.atomic
def set_doubt(order_id: int, *, is_doubted: bool, actor: str) -> None:
    """Begin or end the doubt. It ends every link that was mailed, confirmed erasures, and all grants.

    Links, and mails with the order key, look at ``order.mailbox_doubted_at``. Repeating it changes nothing.
    """
    order = Order.objects.lock(order_id)
    if is_doubted == bool(order.mailbox_doubted_at):
        return
    order.mailbox_doubted_at = clock.now() if is_doubted else None
    order.save(update_fields=["mailbox_doubted_at"])
    if is_doubted:
        order_access.leave_mailbox(order)
    order.log("mailbox in doubt" if is_doubted else "mailbox trusted again", actor=actor)
