"""Mails about what customers do with an order that was placed before."""

from django.conf import settings
from django.utils.translation import override

from shop import outbox
from shop.mail import send

from . import corrections, finding
from .handlers import address_of, admin_url, order_url
from .models import CancellationRequest, EmailCorrection, Order, OrderSearch


@outbox.subscribe("mail.order_links")
def send_order_links(search_id: int) -> None:
    """A link to the orders of the address, if it has any. Its time begins when it leaves."""
    search = OrderSearch.objects.filter(pk=search_id).first()
    if search is None:  # forgotten: nobody waits for it any more
        return
    found = finding.orders_of(search)
    if not found:
        return
    send(
        "order_links",
        to=[found[0].email],
        context={"link": finding.link_of(search), "minutes": int(finding.LASTS.total_seconds() // 60)},
        language=search.language,
        message_key=f"order-links-{search.pk}",
    )


@outbox.subscribe("mail.order_cancelled")
def send_cancelled(order_id: int) -> None:
    """The buyer has cancelled the order before it was paid."""
    order = Order.objects.get(pk=order_id)
    send(
        "order_cancelled",
        to=[order.email],
        context={"order": order, "order_url": order_url(order)},
        language=order.language,
        message_key=f"order-cancelled-{order.number}",
    )


@outbox.subscribe("mail.cancellation_asked")
def tell_merchant_of_cancellation(request_id: int) -> None:
    """To the shop's own inboxes: somebody waits for an answer, and nothing is shipped until then."""
    request = CancellationRequest.objects.select_related("order").get(pk=request_id)
    with override(settings.LANGUAGE_CODE):
        context = {
            "order": request.order,
            "lines": list(request.lines.all()),
            "reason": request.reason,
            "admin_url": admin_url(request.order),
        }
    send(
        "cancellation_asked",
        to=settings.MERCHANT_EMAILS,
        context=context,
        language=settings.LANGUAGE_CODE,
        message_key=f"cancellation-asked-{request.pk}",
    )


@outbox.subscribe("mail.cancellation_answered")
def send_cancellation_answer(request_id: int) -> None:
    """What the merchant has answered, in the language of the order."""
    request = CancellationRequest.objects.select_related("order").get(pk=request_id)
    order = request.order
    send(
        "cancellation_answered",
        to=[order.email],
        context={
            "order": order,
            "request": request,
            "is_accepted": request.state == CancellationRequest.State.ACCEPTED,
            "lines": list(request.lines.all()),
            "order_url": order_url(order),
        },
        language=order.language,
        message_key=f"cancellation-answered-{request.pk}",
    )


@outbox.subscribe("mail.address_corrected")
def send_address_corrected(order_id: int) -> None:
    """The delivery details as they are now, to the order's mailbox."""
    order = Order.objects.get(pk=order_id)
    version = corrections.address_version(order)
    with override(order.language):
        context = {"order": order, "address_label": address_of(order), "order_url": order_url(order)}
    send(
        "address_corrected",
        to=[order.email],
        context=context,
        language=order.language,
        message_key=f"address-corrected-{order.number}-{version}",
    )


@outbox.subscribe("mail.email_corrected")
def tell_old_mailbox(correction_id: int) -> None:
    """Whoever reads the old mailbox learns that it no longer belongs to the order, and not what does."""
    correction = EmailCorrection.objects.select_related("order").get(pk=correction_id)
    if not correction.old_email:  # told already
        return
    send(
        "email_corrected",
        to=[correction.old_email],
        context={"order": correction.order},
        language=correction.order.language,
        message_key=f"email-corrected-{correction.pk}",
    )
    correction.old_email = ""  # it has had its use
    correction.save(update_fields=["old_email"])
