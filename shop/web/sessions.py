"""Django's sessions in the database, which tell a session that is gone from a database that is busy.

Django turns every failure of saving into "the session was deleted", so that a full disk or a slow server
would read as a mistake of the visitor's (400) or of ours (500) instead of "in a moment, please".
"""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError

from shop import database


class SessionStore(db.SessionStore):
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
