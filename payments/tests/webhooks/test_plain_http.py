"""A gateway that writes in clear is told so: a redirect would repeat it over TLS, and nobody would notice."""

import pytest
from django.test import Client

from payments.models import GatewayEvent


@pytest.mark.parametrize("gateway", ["paypal", "unionpay"])
def test_a_notice_in_clear_is_refused_and_not_led_on(db, settings, gateway):
    settings.SECURE_SSL_REDIRECT = True
    refused = Client().post(f"/pay/notify/{gateway}/", b"{}", content_type="application/json")
    assert (refused.status_code, refused.content) == (403, b"https only")
    assert not GatewayEvent.objects.exists()
    assert Client().post(f"/pay/notify/{gateway}/", b"{}", "application/json", secure=True).status_code == 400
    assert Client().get("/en/").status_code == 301  # a person is led on
