"""A copy of everything, and erasure, without an account: asked for on the page of the order, confirmed by its
mailbox.

The mailed link is the signed number of the request and the moment it was mailed, and names nobody.
"""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import override

from checkout.models import Order, PrivacyRequest
from shop import clock
from shop.background import outbox

SALT = "checkout.privacy"
LINK_LIFETIME = dt.timedelta(hours=24)
EXPORT_RETRY_WINDOW = dt.timedelta(minutes=15)  # in which a download that broke off may be repeated


class InvalidLink(Exception):
    """The link is not ours, was used, or its time is over."""


@transaction.atomic
def create_request(order: Order, kind: PrivacyRequest.Kind) -> PrivacyRequest:
    """Write down what is wanted; the worker mails the link that confirms it."""
    request = PrivacyRequest.objects.create(order=order, kind=kind, asked_at=clock.now(), email="")
    outbox.publish("mail.privacy_link", key=str(request.pk), request_id=request.pk)
    return request


def link_of(request: PrivacyRequest) -> str:
    """The whole address, good for ``LASTS`` from now."""
    token = signing.dumps([request.pk, int(clock.now().timestamp())], salt=SALT)
    with override(request.order.language):
        return settings.SITE_URL + reverse("checkout:privacy_link", args=[token])


def read_link(token: str) -> PrivacyRequest:
    "The request that the link confirms. Raises InvalidLink."
    try:
        request_id, mailed_at = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise InvalidLink from None
    request = PrivacyRequest.objects.select_related("order").filter(pk=request_id).first()
    now = clock.now()
    if request is None or now.timestamp() >= mailed_at + LINK_LIFETIME.total_seconds() or request.order.erased_at:
        raise InvalidLink
    if request.kind == PrivacyRequest.Kind.EXPORT and request.used_at and now > request.used_at + EXPORT_RETRY_WINDOW:
        raise InvalidLink
    return request


def mark_used(request: PrivacyRequest) -> None:
    PrivacyRequest.objects.filter(pk=request.pk, used_at=None).update(used_at=clock.now())
