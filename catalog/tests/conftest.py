import pytest
from django.utils.translation import override


@pytest.fixture
def merchant(admin_client):
    """A browser in which a merchant is signed in, reading English."""
    with override("en"):
        yield admin_client
