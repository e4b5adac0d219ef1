"""The sandbox's site map; its process uses it instead of the shop's."""

from django.urls import include, path

from . import mailbox, pages
from .paypal.urls import root_urlpatterns

urlpatterns = [
    path("", pages.start, name="start"),
    path("log.jsonl", pages.log, name="log"),
    path("mailbox/", mailbox.mails, name="mails"),
    path("mailbox/messages.json", mailbox.messages, name="messages"),
    path("mailbox/<str:mail_id>/", mailbox.mail, name="mail"),
    path("mailbox/<str:mail_id>/html/", mailbox.html, name="mail-html"),
    path("paypal/", include("payments.sandbox.paypal.urls")),
    path("unionpay/", include("payments.sandbox.unionpay.urls")),
    *root_urlpatterns,
]
handler404 = "payments.sandbox.pages.not_found"
handler500 = "payments.sandbox.pages.failed"
