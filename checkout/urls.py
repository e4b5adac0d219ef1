from django.urls import path

from . import converters, views  # noqa: F401 - registers <order_token:…>

app_name = "checkout"
urlpatterns = [
    path("checkout/", views.begin, name="begin"),
    path("order/<order_token:token>/", views.order, name="order"),
]
