"""Where unpaid orders come from, and how a buyer is told that they are too many or keep too much."""

import datetime as dt
import math
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Variant
from checkout.promotions.services import CodeKept
from checkout.stock import Origin, TooManyUnpaid, TooMuchHeld
from shop import clock
from shop.crypto import keyed_digests
from shop.web.client_address import client_address
from shop.web.rate_limit import network_of, surroundings_of


def origin_of(request: HttpRequest) -> Origin:
    address = client_address(request)
    return Origin(_digest(network_of(address)), _digest(surroundings_of(address)))


def _digest(network: str) -> str:
    # Under the oldest secret that is known: a rotation forgets nobody.
    return keyed_digests("checkout.unpaid_holds", network, length=32)[-1]


def sentences(refusal: TooManyUnpaid | TooMuchHeld | CodeKept, variants: Mapping[int, Variant]) -> list[str]:
    """Why nothing was ordered, and what to do."""
    if isinstance(refusal, CodeKept):
        text = _(
            "An earlier order from your network that is not paid keeps the promo code %(code)s. "
            "Please pay or cancel it, try again in an hour, or order without the code."
        )
        return [text % {"code": refusal}]
    if isinstance(refusal, TooManyUnpaid):
        return [_too_many(refusal)]
    return [
        _paused(variants[pk].full_name, refusal.until[pk])
        if left == 0 and pk in refusal.until
        else _too_much(variants[pk].full_name, left)
        for pk, left in refusal.left.items()
    ]


def _too_many(refusal: TooManyUnpaid) -> str:
    facts = {"n": settings.UNPAID_PER_ADDRESS, "minutes": settings.STOCK_HOLD_MINUTES}
    if refusal.until:
        facts["hours"] = max(1, math.ceil((refusal.until - clock.now()) / dt.timedelta(hours=1)))
        if refusal.of_address:
            text = ngettext(
                "Many orders with this e-mail address were placed and not paid. Please try again in an hour.",
                "Many orders with this e-mail address were placed and not paid. "
                "Please try again in %(hours)s hours, or contact customer service.",
                facts["hours"],
            )
        else:
            text = ngettext(
                "Many orders from your network were placed and not paid. Please try again in an hour.",
                "Many orders from your network were placed and not paid. "
                "Please try again in %(hours)s hours, or contact customer service.",
                facts["hours"],
            )
    elif refusal.of_address:
        text = _(
            "%(n)s orders with this e-mail address are not paid yet. Please pay or cancel one of them, "
            "or try again in %(minutes)s minutes."
        )
    else:
        text = _(
            "Many orders from your network are not paid yet. Please pay or cancel yours, "
            "or try again in %(minutes)s minutes."
        )
    return text % facts


def _too_much(name: str, left: int) -> str:
    if left == 0:
        text = _(
            "%(name)s is kept for an earlier order from your network that is not paid yet. "
            "Please pay or cancel it, or try again later."
        )
    else:
        text = _(
            "At most %(n)s of %(name)s can be kept for you until they are paid, as an earlier order from "
            "your network was not. Please change the quantity in your cart; once paid, you can order more."
        )
    return text % {"name": name, "n": left}


def _paused(name: str, until: dt.datetime) -> str:
    text = _(
        "The last piece of %(name)s was kept for an earlier order from your network that was not paid. "
        "Others can have it now; please try again in %(minutes)s minutes."
    )
    minutes = math.ceil((until - clock.now()) / dt.timedelta(minutes=1))
    return text % {"name": name, "minutes": max(1, minutes)}
