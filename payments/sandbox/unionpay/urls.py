"""Addresses as UnionPay's; included under ``unionpay/``."""

from django.urls import path

from . import cashier_views, views

urlpatterns = [
    path("gateway/api/backTransReq.do", views.back_transaction),
    path("gateway/api/queryTrans.do", views.query),
    path("gateway/api/frontTransReq.do", views.front_transaction),
    path("cashier/<str:page>/", cashier_views.cashier, name="unionpay-cashier"),
    path("cashier/<str:page>/cancel/", cashier_views.cancel, name="unionpay-cancel"),
]
