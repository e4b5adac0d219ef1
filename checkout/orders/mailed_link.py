"""Links that are mailed: the signed id of a row and the moment the mail left. They name nobody."""

import datetime as dt
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.translation import override

from shop import clock


class InvalidLink(Exception):
    """The link is not ours, was used up, or has expired."""


@dataclass(frozen=True)
class MailedLink:
    """A kind of link: the URL name of its page, the salt of its signature, how long it is good."""

    url_name: str
    salt: str
    lifetime: dt.timedelta

    def url(self, pk: int, *, language: str) -> str:
        """The absolute URL, good for ``lifetime`` from now."""
        token = signing.dumps([pk, int(clock.now().timestamp())], salt=self.salt)
        with override(language):
            return settings.SITE_URL + reverse(self.url_name, args=[token])

    def read(self, token: str) -> int:
        """The row's id. Raises InvalidLink."""
        try:
            pk, mailed_at = signing.loads(token, salt=self.salt)
        except signing.BadSignature:
            raise InvalidLink from None
        if clock.now().timestamp() >= mailed_at + self.lifetime.total_seconds():
            raise InvalidLink
        return int(pk)
