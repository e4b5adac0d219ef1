"""Browsers in which members of staff are signed in."""

import pytest
from django.contrib.auth.models import Permission, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def merchant(client, db):
    """Who may see and change orders, and nothing else."""
    user = User.objects.create_user("merchant", password="x", is_staff=True)
    names = [
        "view_order",
        "change_order",
        "ship_order",
        "hold_order",
        "answer_cancellation",
        "view_orderline",
        "view_shipment",
        "view_orderevent",
    ]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user, BACKEND)
    return client


@pytest.fixture
def boss(client, db):
    """Who may do everything."""
    client.force_login(User.objects.create_superuser("boss", "boss@shop.example", "x"), BACKEND)
    return client
