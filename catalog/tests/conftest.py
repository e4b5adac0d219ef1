import pytest
from django.utils.translation import override


@pytest.fixture
def merchant(admin_client):
    with override("en"):
        yield admin_client
