"""The sandbox's PayPal behind a real port, and the shop's ear for its webhooks."""

from django.http import HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from payments.sandbox.paypal import urls as paypal_urls
from payments.sandbox.urls import rehearsal_urlpatterns

received = []  # (headers, body) of webhooks, as the shop would get them


@csrf_exempt
def notify(request):
    received.append((dict(request.headers), request.body))
    return HttpResponse("ok")


URLS = (
    path("paypal/", include(paypal_urls.urlpatterns)),
    path("pay/notify/paypal/", notify),
    *paypal_urls.root_urlpatterns,
    *rehearsal_urlpatterns,
)


def issue(response):
    """Status and PayPal's word for what is wrong."""
    return response.status_code, response.json()["details"][0]["issue"]


# Headers of a webhook, of the right shape.
HEADERS = {
    "PayPal-Transmission-Id": "6d1c9b3e-0000-4000-8000-000000000000",
    "PayPal-Transmission-Time": "2026-11-23T01:02:03Z",
    "PayPal-Transmission-Sig": "c2lnbmF0dXJl",
    "PayPal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
    "PayPal-Auth-Algo": "SHA256withRSA",
}
