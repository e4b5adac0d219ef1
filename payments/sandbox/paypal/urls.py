"""PayPal's addresses; the sandbox includes them under ``paypal/``, and ``root_urlpatterns`` at its root."""

from django.urls import path

from . import buyer_views, disputes, orders, refunds, token, webhooks

urlpatterns = [
    path("v1/oauth2/token", token.issue),
    path("v2/checkout/orders", orders.create),
    path("v2/checkout/orders/<str:order_id>", orders.show),
    path("v2/checkout/orders/<str:order_id>/capture", orders.capture),
    path("v2/checkout/orders/<str:order_id>/track", orders.track),
    path("v2/checkout/orders/<str:order_id>/trackers/<str:tracker_id>", orders.update_tracker),
    path("v2/payments/captures/<str:capture_id>", refunds.show),
    path("v2/payments/captures/<str:capture_id>/refund", refunds.create),
    path("v2/payments/refunds/<str:refund_id>", refunds.show_one),
    path("v1/customer/disputes/<str:dispute_id>", disputes.show),
    path("v1/notifications/verify-webhook-signature", webhooks.verify),
    path("v1/notifications/webhooks-events", webhooks.listing),
    path("v1/notifications/certs/<str:cert_id>", webhooks.certificate),
    path("checkoutnow", buyer_views.checkout),
]
root_urlpatterns = [path("checkoutnow", buyer_views.checkout)]
