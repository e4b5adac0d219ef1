from django.urls import path

from . import views, workspace

app_name = "consulting"
urlpatterns = [
    path("report/", views.unlock, name="unlock"),
    path("report/order/", views.index, name="index"),
    path("report/case/<int:pk>/", views.report, name="report"),
    path("report/lock/", views.lock, name="lock"),
    path("consultant/", workspace.cases, name="cases"),
    path("consultant/open/", workspace.open_with_key, name="open_with_key"),
    path("consultant/case/<int:pk>/", workspace.case, name="case"),
    path("consultant/case/<int:pk>/take/", workspace.take, name="take"),
    path("consultant/case/<int:pk>/publish/", workspace.publish, name="publish"),
    path("consultant/case/<int:pk>/version/<int:version>/", workspace.version, name="version"),
]
