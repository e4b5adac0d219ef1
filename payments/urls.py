from django.urls import path

from checkout.orders import url_converters  # noqa: F401 - registers <order_token:…>
from payments.attempts import sms_code_views, views
from payments.webhooks.views import notify

app_name = "payments"
urlpatterns = [
    path("pay/<order_token:token>/", views.pay, name="pay"),
    path("pay/<order_token:token>/sms/", sms_code_views.send, name="send_code"),
    path("pay/<order_token:token>/sms/pay/", sms_code_views.pay, name="pay_with_code"),
    path("pay/<order_token:token>/progress/", views.progress, name="progress"),
    path("pay/<order_token:token>/return/", views.paypal_return, name="return"),
    path("pay/<order_token:token>/cancel/", views.paypal_cancel, name="cancel"),
    path("order/<order_token:token>/cancel/", views.cancel_order, name="cancel_order"),
]

# Gateways know no language: these addresses stand outside the language prefixes (namespace "gateways").
gateway_urlpatterns = [
    path("pay/notify/<str:gateway>/", notify, name="notify"),
    path("pay/unionpay/return/", views.unionpay_return, name="unionpay_return"),
]
