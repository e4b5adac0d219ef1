"""Whether a payment begins on a telephone, where the acquirer wants to know."""

import re

from django.conf import settings
from django.http import HttpRequest

_TABLET = re.compile(r"iPad|Tablet", re.IGNORECASE)  # to UnionPay a tablet is a computer


def is_telephone(request: HttpRequest) -> bool:
    """What the browser says of itself; false unless ``UNIONPAY_PHONE_CHANNEL`` is on."""
    agent = request.headers.get("User-Agent", "")
    return bool(settings.UNIONPAY_PHONE_CHANNEL) and "Mobi" in agent and not _TABLET.search(agent)
