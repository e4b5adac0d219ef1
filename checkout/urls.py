from django.urls import path

from . import views

app_name = "checkout"
urlpatterns = [
    path("checkout/", views.begin, name="begin"),
    path("order/<str:token>/", views.order, name="order"),
]
