import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission


@pytest.fixture
def merchant(client):
    user = get_user_model().objects.create_user("merchant", password="x", is_staff=True)
    wanted = ["view_order", "change_order", "view_orderline", "view_shipment", "view_orderevent"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)
    return client
