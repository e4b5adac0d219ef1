"""Mails about approvals: to those who may approve, and to the one who asked."""

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import override

from shop.background import outbox, peers
from shop.mail import send
from shop.models import ApprovalRequest

from . import approvals


@outbox.subscribe("mail.approval_asked", peer=peers.MAIL)
def send_approval_asked(request_id: int) -> None:
    """To each who may approve; to the merchant's address where none of them has one."""
    request = ApprovalRequest.objects.filter(pk=request_id).first()
    if request is None or approvals.state_of(request) != approvals.State.WAITING:
        return
    others = approvals.others_who_may(request.kind, request.asked_by).exclude(email="")
    to = list(others.order_by("pk").values_list("email", flat=True)) or settings.MERCHANT_EMAILS
    _send("approval_asked", request, to)


@outbox.subscribe("mail.approval_decided", peer=peers.MAIL)
def send_approval_decided(request_id: int) -> None:
    request = ApprovalRequest.objects.filter(pk=request_id).first()
    asker = User.objects.filter(username=request.asked_by).first() if request else None
    if request and asker:
        _send("approval_decided", request, [asker.email])


def _send(name: str, request: ApprovalRequest, to: list[str]) -> None:
    with override(settings.LANGUAGE_CODE):
        page = settings.SITE_URL + reverse("admin:shop_approvalrequest_change", args=[request.pk])
        label = str(approvals.kind_of(request).label)
    send(
        name,
        to=to,
        context={"request": request, "what": label, "page": page},
        language=settings.LANGUAGE_CODE,
        message_key=f"{name}-{request.pk}",
    )
