"""Actions on the lists of the admin, sent as a browser sends them: with the token of the page."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from payments.models import Payment
from payments.models.payment import alert_staff
from payments.tests.harness.paypal_scenes import awaiting
from shop.models import OutboxMessage
from shop.web import once

pytestmark = pytest.mark.django_db
ACTIONS = sorted(
    (model._meta.label_lower, name)
    for model, page in admin.site._registry.items()
    for name in page.actions
    if isinstance(name, str)
)


@pytest.fixture
def merchant():
    browser = Client()
    browser.force_login(User.objects.create_superuser("owner"), "django.contrib.auth.backends.ModelBackend")
    return browser


def choose(browser, label, action, pk):
    url = reverse(f"admin:{label.replace('.', '_')}_changelist")
    token = re.findall(rf'name="{once.FIELD}" value="([^"]+)"', browser.get(url).content.decode())[-1]
    return browser.post(url, {"action": action, "_selected_action": [pk], once.FIELD: token}, follow=True)


@pytest.mark.parametrize(("label", "action"), ACTIONS)
def test_no_action_on_a_list_calls_a_gateway_within_a_transaction(merchant, gateway, approve, label, action):
    """Of a new one a row is made here: the page that it stands on may be one transaction."""
    payment = awaiting()
    approve(payment.approve_url)
    alert_staff("F", key="F")
    rows = {"payments.payment": payment, "shop.outboxmessage": OutboxMessage.objects.get(key__endswith="F")}
    told = choose(merchant, label, action, rows[label].pk).content.decode()
    if action == "ask_gateway":
        assert "The gateway has been asked." in told
        payment.refresh_from_db()
        assert payment.status == Payment.Status.CAPTURED
    else:
        assert "1 message goes out within seconds." in told
