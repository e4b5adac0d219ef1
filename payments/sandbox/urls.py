"""The sandbox's site map; its process uses it instead of the shop's."""

from django.urls import include, path

from . import index_views, mailbox
from .control import api_views
from .control import views as rehearsal_page
from .paypal.urls import root_urlpatterns

rehearsal_urlpatterns = [
    path("faults", api_views.all_faults),
    path("faults/<int:number>", api_views.one_fault),
    path("acts", api_views.all_acts),
    path("log.jsonl", index_views.log, name="log"),
]
urlpatterns = [
    path("", index_views.start, name="start"),
    path("rehearsal/", rehearsal_page.page, name="rehearsal"),
    path("mailbox/", mailbox.mails, name="mails"),
    path("mailbox/messages.json", mailbox.messages, name="messages"),
    path("mailbox/<str:mail_id>/", mailbox.mail, name="mail"),
    path("mailbox/<str:mail_id>/html/", mailbox.html, name="mail-html"),
    path("paypal/", include("payments.sandbox.paypal.urls")),
    path("unionpay/", include("payments.sandbox.unionpay.urls")),
    *rehearsal_urlpatterns,
    *root_urlpatterns,
]
handler404 = "payments.sandbox.index_views.not_found"
handler500 = "payments.sandbox.index_views.failed"
