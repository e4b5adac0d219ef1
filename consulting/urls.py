from django.urls import path

from checkout.orders import url_converters  # noqa: F401 - registers <order_token:…>
from consulting.client import key_views, report_views, views
from consulting.client import message_views as client_message_views
from consulting.workspace import message_views as workspace_message_views
from consulting.workspace import report_views as workspace_report_views
from consulting.workspace import views as workspace_views

app_name = "consulting"
urlpatterns = [
    path("report/", views.unlock, name="unlock"),
    path("report/order/", views.index, name="index"),
    path("report/order/access/", views.access_log, name="access_log"),
    path("report/order/details/", views.details, name="details"),
    path("report/order/download/", report_views.download, name="download"),
    path("report/case/<int:pk>/", report_views.report, name="report"),
    path("report/case/<int:pk>/messages/", client_message_views.messages_of_client, name="messages"),
    path("report/case/<int:pk>/version/<int:version>/", report_views.report, name="report_version"),
    path("report/case/<int:pk>/version/<int:version>/changes/", report_views.changes, name="changes"),
    path(
        "report/case/<int:pk>/version/<int:version>/file/<int:number>/",
        report_views.file,
        name="file_of_report",
    ),
    path("report/lock/", views.lock, name="lock"),
    path("report/lost-key/", key_views.lost_key, name="lost_key"),
    path("report/lost-key/sent/", key_views.key_sent, name="key_sent"),
    path("report/new-key/", key_views.new_key, name="new_key"),
    path("order/<order_token:token>/send-key/", key_views.send_key, name="send_key"),
    path("consultant/", workspace_views.cases, name="cases"),
    path("consultant/open/", workspace_views.open_with_key, name="open_with_key"),
    path("consultant/case/<int:pk>/", workspace_report_views.case_detail, name="case"),
    path("consultant/case/<int:pk>/take/", workspace_views.take, name="take"),
    path("consultant/case/<int:pk>/publish/", workspace_report_views.publish, name="publish"),
    path("consultant/case/<int:pk>/withdraw/", workspace_report_views.withdraw, name="withdraw"),
    path(
        "consultant/case/<int:pk>/messages/",
        workspace_message_views.messages_of_consultant,
        name="case_messages",
    ),
    path("consultant/case/<int:pk>/go-on/", workspace_message_views.go_on, name="go_on"),
    path(
        "consultant/case/<int:pk>/version/<int:version>/",
        workspace_report_views.report_version,
        name="version",
    ),
    path(
        "consultant/case/<int:pk>/version/<int:version>/file/<int:number>/",
        workspace_report_views.report_file,
        name="report_file",
    ),
    path("consultant/case/<int:pk>/file/<int:file>/", workspace_views.answer_file, name="file"),
]
