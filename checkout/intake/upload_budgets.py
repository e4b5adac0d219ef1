"""How much of the disk buyers' files may take: of a network, of an order, of all who paid for nothing yet.

What is refused leaves nothing behind. Of what all share, no surroundings of a network have more than a
share: one that fills it takes no room from the others. Files of orders that were paid are bounded by the
orders.
"""

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _

from checkout.models import Draft, Intake, Upload
from shop.crypto import keyed_digests
from shop.database import lock_names
from shop.privacy.private_storage import private_storage
from shop.web.client_address import client_address
from shop.web.rate_limit import RateLimit, surroundings_of

from .refused import Refused

MB = 1024 * 1024
PIECE = 2 * MB  # bytes; each one that is begun counts
PIECES_PER_NETWORK = RateLimit("answer-pieces", limit=150, minutes=60)  # 300 MB
MAX_ORDER_MB = 200
SHARE_PERCENT = 10  # of what is unclaimed, for the surroundings of one network


def check(request: HttpRequest, size: int) -> None:
    """Take a file of this size, in bytes, from the budget of the network, if the disk has room.

    Raises Refused.
    """
    if private_storage("answers").free() - size < settings.UPLOADS_FREE_MB * MB:
        raise no_room()  # a full disk would close the shop; files are what can wait
    if not all(PIECES_PER_NETWORK.take(request) for _piece in range(1 + size // PIECE)):
        raise Refused(_("Too many large files came from your network. Please try again in an hour."))


def surroundings_digest(request: HttpRequest) -> str:
    # Under the oldest secret that is known: a rotation empties no share.
    network = surroundings_of(client_address(request))
    return keyed_digests("checkout.upload_budgets", network, length=32)[-1]


def check_unclaimed(surroundings: str, size: int) -> None:
    """Whether a file that nobody has paid for, of this size in bytes, has room. Raises Refused.

    One waits for another, until the transaction in which it is stored ends: of many at once none is missed.
    """
    lock_names("unclaimed uploads")
    left = unclaimed()
    if _bytes_of(left) + size > settings.UPLOADS_UNCLAIMED_MB * MB:
        raise no_room()
    share = settings.UPLOADS_UNCLAIMED_MB * MB * SHARE_PERCENT / 100
    if _bytes_of(left.filter(surroundings=surroundings)) + size > share:
        raise Refused(
            _(
                "Files from your network for which nothing has been paid take up too much room. "
                "Please remove some, pay for the orders that they belong to, or try again tomorrow."
            )
        )


def unclaimed() -> QuerySet[Upload]:
    """Files that belong to nothing that was paid: an order alone costs nothing."""
    return Upload.objects.exclude(_is_paid())


def claimed_origins() -> QuerySet[Upload]:
    """Files that take nothing from a share any more, and still tell whence they came."""
    return Upload.objects.exclude(surroundings="").filter(_is_paid())


def _is_paid() -> Exists:
    return Exists(
        Upload.intakes.through.objects.filter(
            upload=OuterRef("pk"), intake__line__order__paid_at__isnull=False
        )
    )


def check_order(owner: Draft | Intake, size: int) -> None:
    """Whether one more file of this size, in bytes, has room in the order that it is for. Raises Refused."""
    theirs = (
        Upload.objects.filter(draft=owner)
        if isinstance(owner, Draft)
        else Upload.objects.filter(intakes__line__order=owner.line.order_id).distinct()
    )
    if _bytes_of(theirs) + size > MAX_ORDER_MB * MB:
        text = _(
            "The files of one order can be %(most)s MB together. Please remove one, or send smaller files."
        )
        raise Refused(text % {"most": MAX_ORDER_MB})


def no_room() -> Refused:
    return Refused(_("We cannot keep this file just now. Please try again in a few minutes."))


def _bytes_of(uploads: QuerySet[Upload]) -> int:
    together: int | None = uploads.aggregate(together=Sum("size"))["together"]
    return together or 0
