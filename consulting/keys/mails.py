"""Mails about order keys. The worker reads the key when it sends: nothing that waits holds it."""

import logging
from typing import Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.urls import reverse
from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from checkout.models import Order, OrderSearch
from checkout.orders import lookup, mail_requests
from consulting import key_format
from consulting.access import is_open
from consulting.models import AccessLog, OrderKey
from shop import clock, mail
from shop.background import outbox, peers
from shop.web.rate_limit import RateLimit

from . import lifecycle
from . import services as keys
from . import throttle as key_throttle

logger = logging.getLogger(__name__)

KEYS_MAILED = RateLimit("lost-key-mail", limit=3, minutes=24 * 60)  # per address and order


@outbox.subscribe("mail.order_key", peer=peers.MAIL)
def send_again(entry_id: int) -> None:
    """Customer service sends the key once more."""
    entry = AccessLog.objects.select_related("order").filter(pk=entry_id).first()
    if entry:  # else its order was erased
        _send(entry.order, "order_key", f"order-key-{entry.pk}")


@outbox.subscribe("mail.lost_key", peer=peers.MAIL)
def answer_request(search_id: int) -> None:
    """Somebody has lost a key: where number and address belong together, the mailbox gets an answer."""
    search = OrderSearch.objects.filter(pk=search_id).first()
    if search is None:  # forgotten: nobody waits for it any more
        return
    for order in lookup.orders_of(search):
        if not order.keys.exists():
            continue
        with KEYS_MAILED.taken(mail_requests.subject(order.email, order.number)) as taken:
            if taken and _send(order, "order_key", f"lost-key-{search.pk}"):
                AccessLog.objects.create(order=order, what=AccessLog.What.KEY_SENT, at=clock.now())


@outbox.subscribe("mail.key_replaced", peer=peers.MAIL)
def send_new_key(key_id: int) -> None:
    """The new key, unless there is a newer one by now."""
    order_key = OrderKey.objects.select_related("order").get(pk=key_id)
    if order_key.state == OrderKey.State.ACTIVE:
        _send(order_key.order, "key_replaced", f"key-replaced-{order_key.pk}")


@sensitive_variables()
def _send(order: Order, template: str, message_key: str) -> bool:
    """Whether a key went out. Without one the mail says that there is none to use at present.

    Where the sealed copy does not open any more the order gets a new key, which is mailed instead.
    """
    order_key = order.keys.filter(state=OrderKey.State.ACTIVE).select_related("order").first()
    if order_key:
        order = (
            order_key.order
        )  # read with the key: one of after a change never goes to the mailbox of before
    context: dict[str, Any] = {"order": order, "unlock_url": _url("consulting:unlock", order)}
    if order_key and is_open(order_key) and not order.mailbox_doubted_at:
        try:
            context["key_groups"] = key_format.groups(keys.read_key(order_key))
        except (InvalidToken, keys.SealedKeyDamaged):
            logger.error("The sealed copy of order key %s does not open", order_key.pk)
            lifecycle.replace(order_key, actor="system")
            return False
    mail.send(
        template,
        to=[order.email],
        concerns=order.number,
        context=context,
        language=order.language,
        message_key=message_key,
    )
    return "key_groups" in context


@outbox.subscribe("mail.key_first_used", peer=peers.MAIL)
def tell_of_first_use(key_id: int) -> None:
    """The reports were opened for the first time with this key; if it was not the client, they can end it."""
    order_key = OrderKey.objects.select_related("order").get(pk=key_id)
    order = order_key.order
    mail.send(
        "key_first_used",
        to=[order.email],
        concerns=order.number,
        context={
            "order": order,
            "at": order_key.first_used_at,
            "new_key_url": _url("consulting:new_key", order),
            "contact_url": _url("shop:contact", order),
        },
        language=order.language,
        message_key=f"key-first-used-{order_key.pk}",
    )


@outbox.subscribe(key_throttle.ALARM, peer=peers.MAIL)
def tell_of_guessing(hour: str) -> None:
    """To the shop's own inboxes."""
    with override(settings.LANGUAGE_CODE):
        url = settings.SITE_URL + reverse("admin:payments_money_health")
    mail.send(
        "key_alarm",
        to=settings.MERCHANT_EMAILS,
        context={"count": key_throttle.MANY, "hour": hour, "health_url": url},
        language=settings.LANGUAGE_CODE,
        message_key=f"key-alarm-{hour}",
    )


def _url(name: str, order: Order) -> str:
    with override(order.language):
        return settings.SITE_URL + reverse(name)
