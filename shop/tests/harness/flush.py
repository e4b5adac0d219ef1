"""Emptying the database after a test that committed, a hundred times quicker than Django's ``flush``."""

from functools import cache

from django.db import connection, transaction
from django.test import TransactionTestCase

FILLED_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}


def empty_tables(test_case: TransactionTestCase) -> None:
    """Stand in for ``TransactionTestCase._fixture_teardown``. DELETE takes 1 ms, TRUNCATE would take 50."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_statements())  # foreign keys are checked at the end


@cache
def _statements() -> str:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    may_forget = "INSERT INTO shop_auditcutoff (before) VALUES ('infinity')"
    ordered = sorted(set(tables) - FILLED_BY_MIGRATE, key=lambda table: (table == "shop_auditcutoff", table))
    return ";".join([may_forget, *(f'DELETE FROM "{table}"' for table in ordered)])
