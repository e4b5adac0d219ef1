from django.urls import path

from . import key_views, reading, thread_views, views, workspace, writing

app_name = "consulting"
urlpatterns = [
    path("report/", views.unlock, name="unlock"),
    path("report/order/", views.index, name="index"),
    path("report/order/access/", views.access_log, name="access_log"),
    path("report/order/details/", views.details, name="details"),
    path("report/order/download/", reading.download, name="download"),
    path("report/case/<int:pk>/", reading.report, name="report"),
    path("report/case/<int:pk>/messages/", thread_views.messages_of_client, name="messages"),
    path("report/case/<int:pk>/version/<int:version>/", reading.report, name="report_version"),
    path("report/case/<int:pk>/version/<int:version>/changes/", reading.changes, name="changes"),
    path(
        "report/case/<int:pk>/version/<int:version>/file/<int:number>/", reading.file, name="file_of_report"
    ),
    path("report/lock/", views.lock, name="lock"),
    path("report/lost-key/", key_views.lost_key, name="lost_key"),
    path("report/lost-key/sent/", key_views.key_sent, name="key_sent"),
    path("report/new-key/", key_views.new_key, name="new_key"),
    path("consultant/", workspace.cases, name="cases"),
    path("consultant/open/", workspace.open_with_key, name="open_with_key"),
    path("consultant/case/<int:pk>/", writing.case, name="case"),
    path("consultant/case/<int:pk>/take/", workspace.take, name="take"),
    path("consultant/case/<int:pk>/publish/", writing.publish, name="publish"),
    path("consultant/case/<int:pk>/withdraw/", writing.withdraw, name="withdraw"),
    path("consultant/case/<int:pk>/messages/", thread_views.messages_of_consultant, name="case_messages"),
    path("consultant/case/<int:pk>/go-on/", thread_views.go_on, name="go_on"),
    path("consultant/case/<int:pk>/version/<int:version>/", writing.version, name="version"),
    path(
        "consultant/case/<int:pk>/version/<int:version>/file/<int:number>/",
        writing.report_file,
        name="report_file",
    ),
    path("consultant/case/<int:pk>/file/<int:file>/", workspace.file, name="file"),
]
