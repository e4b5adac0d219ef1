from django.urls import path

from . import views

app_name = "payments"
urlpatterns = [
    path("pay/<str:token>/", views.pay, name="pay"),
    path("pay/<str:token>/progress/", views.progress, name="progress"),
    path("pay/<str:token>/return/", views.paypal_return, name="return"),
    path("pay/<str:token>/cancel/", views.paypal_cancel, name="cancel"),
]

# Gateways know no language: these addresses stand outside the language prefixes (namespace "gateways").
gateway_urlpatterns = [
    path("pay/notify/<str:gateway>/", views.notify, name="notify"),
    path("pay/unionpay/return/", views.unionpay_return, name="unionpay_return"),
]
