"""Work that only one process may do at a time, on any number of machines.

A lease is a row with an end, so that a process that was killed blocks nobody for long. It suits PostgreSQL
behind a pooler and SQLite alike. A holder that is slower than the lease may be joined by a second: whoever
takes one must be safe to repeat.
"""

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Q

from shop import clock
from shop.database import retry_transaction
from shop.models import Lease

LENGTH = dt.timedelta(seconds=45)


class Held:
    def __init__(self, name: str) -> None:
        self.name, self._holder = name, secrets.token_hex(8)

    @retry_transaction
    def renew(self) -> bool:
        """Take it, or keep it, for ``LENGTH`` from now. False: it is another's."""
        now = clock.now()
        Lease.objects.get_or_create(name=self.name, defaults={"until": now})
        # Further ahead than it can be: the clock was put back.
        is_free = Q(holder=self._holder) | Q(until__lte=now) | Q(until__gt=now + LENGTH + clock.SKEW)
        rows = Lease.objects.filter(is_free, name=self.name)
        return bool(rows.update(holder=self._holder, until=now + LENGTH))

    @retry_transaction
    def give_back(self) -> None:
        Lease.objects.filter(name=self.name, holder=self._holder).update(holder="", until=clock.now())


@contextmanager
def hold(name: str) -> Iterator[Held | None]:
    """None where another holds it. Between its steps the holder calls ``renew`` and ends on False."""
    lease = Held(name)
    if not lease.renew():
        yield None
        return
    try:
        yield lease
    finally:
        lease.give_back()
