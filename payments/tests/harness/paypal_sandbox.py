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
