from django.urls import path

from . import views

app_name = "sign_in"
urlpatterns = [
    path("", views.account, name="account"),
    path("code/", views.code, name="code"),
    path("set-up/", views.set_up, name="set_up"),
    path("recovery-codes/", views.recovery_codes, name="recovery_codes"),
    path("remove/", views.remove, name="remove"),
    path("reset/<int:pk>/", views.reset, name="reset"),
    path("link/", views.send_link, name="send_link"),
    path("link/sent/", views.link_sent, name="link_sent"),
    path("link/<str:link>/", views.use_link, name="use_link"),
]
