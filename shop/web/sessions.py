"""Django's sessions in the database: short until somebody comes back for them.

They tell a session that is gone from a database that is busy. Django turns every failure of saving into "the
session was deleted", so that a full disk or a slow server would read as a mistake of the visitor's (400) or
of ours (500) instead of "in a moment, please".
"""

import datetime as dt
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.utils import timezone

from shop import database

FIRST_LIFE = dt.timedelta(hours=2)  # of a row whose cookie no browser has brought back yet
NO_HURRY = dt.timedelta(minutes=10)  # until a visit that only reads makes it last


class SessionStore(db.SessionStore):
    """A click without a cookie makes a row for ``FIRST_LIFE``; once its cookie has come back it lasts as set.

    Programs that keep no cookie make one row a click. A browser's next click that is saved lengthens its
    row, and so does looking on after ``NO_HURRY``.
    """

    has_come_back = False

    def load(self) -> dict[str, Any]:
        row = self._get_session_from_db()  # type: ignore[attr-defined]  # Django's stubs lack it
        if row is None:
            return {}
        self.has_come_back = True
        data = self.decode(row.session_data)
        left = row.expire_date - timezone.now()
        if left < FIRST_LIFE - NO_HURRY and SESSION_KEY not in data:
            full = self.get_expiry_date(expiry=data.get("_session_expiry"))
            Session.objects.filter(pk=row.pk, expire_date=row.expire_date).update(expire_date=full)
        return data

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        if not self.has_come_back and SESSION_KEY not in data:
            row.expire_date = min(row.expire_date, timezone.now() + FIRST_LIFE)
        return row

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            problem = error.__context__
            if problem is None or not database.is_unavailable(problem):
                raise
        else:
            return
        raise problem
