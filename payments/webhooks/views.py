"""The address to which gateways send their notifications."""

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments.gateways.base import GatewayError, InvalidNotification
from shop.devstack.failpoints import failpoint

from . import inbox, reception

logger = logging.getLogger(__name__)

PLAIN = "text/plain; charset=utf-8"


@csrf_exempt
@require_POST
def notify(request: HttpRequest, gateway: str) -> HttpResponse:
    """Store what a gateway may have sent; a worker verifies it and asks the gateway for the facts."""
    if gateway not in {"paypal", "unionpay"}:
        raise Http404
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return HttpResponseForbidden("https only", content_type=PLAIN)
    try:
        if int(request.headers.get("Content-Length") or 0) > inbox.MAX_BYTES:
            raise InvalidNotification("size")
        inbox.receive(gateway, request.headers, request.body, sender=request)
        failpoint("after_notification_committed")
    except (InvalidNotification, ValueError) as error:
        if reception.REFUSED.take(request):  # so many lines an hour, too
            logger.warning("Notification of %s refused: %s", gateway, error)
        return HttpResponseBadRequest()
    except reception.TooManyWait:
        return HttpResponse(status=429, headers={"Retry-After": str(reception.RETRY_AFTER)})
    except GatewayError as error:  # it cannot be verified now: the gateway sends it again
        logger.error("Notification of %s: %s", gateway, error.code)
        return HttpResponse(status=503)
    return HttpResponse("ok", content_type=PLAIN)
