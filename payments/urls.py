from django.urls import path

from checkout import converters  # noqa: F401 - registers <order_token:…>

from . import views

app_name = "payments"
urlpatterns = [
    path("pay/<order_token:token>/", views.pay, name="pay"),
    path("pay/<order_token:token>/progress/", views.progress, name="progress"),
    path("pay/<order_token:token>/return/", views.paypal_return, name="return"),
    path("pay/<order_token:token>/cancel/", views.paypal_cancel, name="cancel"),
]

# Gateways know no language: these addresses stand outside the language prefixes (namespace "gateways").
gateway_urlpatterns = [
    path("pay/notify/<str:gateway>/", views.notify, name="notify"),
    path("pay/unionpay/return/", views.unionpay_return, name="unionpay_return"),
]
