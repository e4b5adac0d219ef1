import pytest

from consulting.models import Case

from . import scenes


@pytest.fixture
def order(db):
    return scenes.paid_order()


@pytest.fixture
def key(order):
    """As the client reads it in the mail."""
    return scenes.key_of(order)


@pytest.fixture
def order_key(order):
    return order.keys.get()


@pytest.fixture
def case(order):
    return Case.objects.of(order).first()


@pytest.fixture
def consultant(db):
    return scenes.staff("consultant-lin", "change_case", "view_case", "change_report")


@pytest.fixture
def colleague(db):
    return scenes.staff("wong", "change_case", "view_case", "change_report")


@pytest.fixture
def merchant(db):
    """Assigns cases, writes none."""
    return scenes.staff("boss", "change_case", "assign_case", "view_case", "view_orderkey", "view_accesslog")


@pytest.fixture
def superuser(db):
    return scenes.staff("root", is_superuser=True)


@pytest.fixture
def workspace(client, consultant):
    """The consultant's browser."""
    client.force_login(consultant, backend="django.contrib.auth.backends.ModelBackend")
    return client
