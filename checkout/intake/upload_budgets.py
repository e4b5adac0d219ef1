"""How much of the disk buyers' files may take: of a network, of an order, of all who paid for nothing yet.

Asked before anything is written. Files of orders that were paid are bounded by the orders.
"""

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _

from checkout.models import Draft, Intake, Upload
from shop.privacy.private_storage import private_storage
from shop.web.rate_limit import RateLimit

from .refused import Refused

MB = 1024 * 1024
PIECE = 2 * MB  # bytes; each one that is begun counts
PIECES_PER_NETWORK = RateLimit("answer-pieces", limit=150, minutes=60)  # 300 MB
MAX_ORDER_MB = 200


def check(request: HttpRequest, size: int) -> None:
    """Take a file of this size, in bytes, from the budgets of the network and of all. Raises Refused."""
    paid = Upload.intakes.through.objects.filter(
        upload=OuterRef("pk"), intake__line__order__paid_at__isnull=False
    )
    unclaimed = Upload.objects.exclude(Exists(paid))  # an order alone costs nothing
    is_full = _bytes_of(unclaimed) + size > settings.UPLOADS_UNCLAIMED_MB * MB
    if is_full or private_storage("answers").free() - size < settings.UPLOADS_FREE_MB * MB:
        raise no_room()  # a full disk would close the shop; files are what can wait
    if not all(PIECES_PER_NETWORK.take(request) for _piece in range(1 + size // PIECE)):
        raise Refused(_("Too many large files came from your network. Please try again in an hour."))


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
