"""Privacy requests without an account: a copy of everything, or erasure.

They are made on the page of the order and confirmed by a link that is mailed to it. Both belong to the
mailbox that the order had then: another one has to ask anew.
"""

import datetime as dt

from django.db import transaction

from checkout.models import Order, PrivacyRequest
from checkout.orders.mailed_link import InvalidLink, MailedLink, Opened
from shop import clock
from shop.background import outbox
from shop.typed_values.email_addresses import identity

LINK = MailedLink("checkout:privacy_link", salt="checkout.privacy", lifetime=dt.timedelta(hours=24))
EXPORT_RETRY_WINDOW = dt.timedelta(minutes=15)  # in which a download that broke off may be repeated


@transaction.atomic
def create_request(order: Order, kind: PrivacyRequest.Kind) -> PrivacyRequest:
    """Save the request and publish the mail with the link that confirms it."""
    request = PrivacyRequest.objects.create(order=order, kind=kind, asked_at=clock.now(), email="")
    outbox.publish("mail.privacy_link", key=str(request.pk), request_id=request.pk)
    return request


def read_link(token: str) -> PrivacyRequest:
    """The request that the link confirms. Raises InvalidLink."""
    opened = LINK.read(token)
    request = PrivacyRequest.objects.select_related("order").filter(pk=opened.pk).first()
    if request is None or request.order.erased_at or request.order.mailbox_doubted_at:
        raise InvalidLink
    if not _is_its_mailbox(opened, request):
        raise InvalidLink
    is_export = request.kind == PrivacyRequest.Kind.EXPORT
    if is_export and request.used_at and clock.now() > request.used_at + EXPORT_RETRY_WINDOW:
        raise InvalidLink
    return request


def _is_its_mailbox(opened: Opened, request: PrivacyRequest) -> bool:
    """Whether the link was mailed to the address that the order has now."""
    if opened.stamp:
        return opened.went_to(request.order.email)
    # Mailed before links were stamped: they are good for a day.
    return not request.order.email_corrections.filter(at__gte=request.asked_at).exists()


def is_of_another_mailbox(request: PrivacyRequest, order: Order) -> bool:
    """Whether the erasure was confirmed by a mailbox that is not the order's any more."""
    return not order.erased_at and identity(request.email) != identity(order.email)


def mark_used(request: PrivacyRequest) -> None:
    """Note the first use of the link; later uses change nothing."""
    PrivacyRequest.objects.filter(pk=request.pk, used_at=None).update(used_at=clock.now())
