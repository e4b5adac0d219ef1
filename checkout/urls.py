"""Checkout's site map. Views name these URLs as ``checkout:…``."""

from django.urls import path

from .intake import views as intake_views
from .orders import (
    cancellation_views,
    correction_views,
    lookup_views,
    url_converters,  # noqa: F401 - registers <order_token:…>
)
from .orders import views as order_views
from .placement import shipping_estimate, views
from .privacy import views as privacy_views
from .promotions import views as promotion_views

app_name = "checkout"
urlpatterns = [
    path("checkout/", views.begin, name="begin"),
    path("checkout/forget/", views.forget, name="forget"),
    path("cart/promo/", promotion_views.enter, name="promo"),
    path("shipping-estimate/", shipping_estimate.choose_region, name="estimate"),
    path("orders/", lookup_views.orders, name="orders"),
    path("orders/forget/", lookup_views.forget_orders, name="forget_orders"),
    path("orders/find/", lookup_views.find, name="find"),
    path("orders/find/sent/", lookup_views.link_sent, name="link_sent"),
    path("orders/link/<link_token:token>/", lookup_views.open_link, name="open_link"),
    path("order/<order_token:token>/", order_views.order_page, name="order"),
    path("orders/privacy/<link_token:token>/", privacy_views.open_link, name="privacy_link"),
    path("order/<order_token:token>/privacy/", privacy_views.privacy_page, name="privacy"),
    path("order/<order_token:token>/correct/", correction_views.correct, name="correct"),
    path("order/<order_token:token>/details/", intake_views.details, name="details"),
    path("order/<order_token:token>/file/<int:pk>/", intake_views.file, name="file"),
    path(
        "order/<order_token:token>/request-cancellation/",
        cancellation_views.request_cancellation,
        name="request_cancellation",
    ),
]
