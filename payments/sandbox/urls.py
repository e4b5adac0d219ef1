"""The sandbox's site map; its process uses it instead of the shop's."""

from django.urls import include, path

from . import mailbox, pages, rehearsal, rehearsal_page
from .paypal.urls import root_urlpatterns

rehearsal_urlpatterns = [
    path("faults", rehearsal.all_faults),
    path("faults/<int:number>", rehearsal.one_fault),
    path("acts", rehearsal.all_acts),
    path("log.jsonl", pages.log, name="log"),
]
urlpatterns = [
    path("", pages.start, name="start"),
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
handler404 = "payments.sandbox.pages.not_found"
handler500 = "payments.sandbox.pages.failed"
