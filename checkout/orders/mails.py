"""Mails about orders. Each is built when its outbox message is delivered, from the rows as they are then."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from checkout import services
from checkout.addresses import formats
from checkout.intake import answers
from checkout.models import CancellationRequest, EmailCorrection, Order, OrderLine, OrderSearch, Shipment
from checkout.shipping.fulfilment import left_to_ship
from checkout.shipping.rates import TARIFFS
from checkout.signals import collect_sections
from shop.background import outbox, peers
from shop.mail import last_mail, send
from shop.web.rate_limit import RateLimit

from . import corrections, lookup, mail_requests, unpaid_mails

# Per address and number. When it is used up, a link that is still good lies in the mailbox.
LINKS_MAILED = RateLimit("find-order-mail", limit=3, minutes=30)


def order_url(order: Order) -> str:
    """The order page, in the order's language."""
    with override(order.language):
        return settings.SITE_URL + order.get_absolute_url()


def admin_url(order: Order) -> str:
    return settings.SITE_URL + reverse("admin:checkout_order_change", args=[order.pk])


def address_label(order: Order) -> list[str]:
    """The lines of the delivery address; none where nothing is shipped."""
    if not order.needs_shipping:
        return []
    return formats.label(recipient=order.recipient, region=order.region, address=order.address)


def _context(order: Order) -> dict[str, object]:
    lines = list(order.lines.all())
    return {
        "order": order,
        "goods": [line for line in lines if not line.is_service],
        "services": [line for line in lines if line.is_service],
        "tariff": TARIFFS.get(order.shipping_method),
        "order_url": order_url(order),
    }


# --- placed and paid ---


@outbox.subscribe("mail.order_confirmation", peer=peers.MAIL)
def send_confirmation(order_id: int) -> None:
    """To the customer, with whatever other apps add: the order key, where there is consulting."""
    order = Order.objects.get(pk=order_id)
    with override(order.language):
        context = {
            **_context(order),
            "address_label": address_label(order),
            "sections": collect_sections(order, reveal=True),
        }
        send(
            "order_confirmation",
            to=[order.email],
            concerns=order.number,
            context=context,
            language=order.language,
            message_key=_confirmation_key(order),
        )


def _confirmation_key(order: Order) -> str:
    """Another key for each corrected address: to that it is another mail, not a copy."""
    corrected = order.email_corrections.count()
    return f"order-confirmation-{order.number}" + (f"-{corrected}" if corrected else "")


@outbox.subscribe("mail.new_order", peer=peers.MAIL)
def send_new_order(order_id: int) -> None:
    """To the shop's own inboxes, in the shop's language. No answers and no keys."""
    order = Order.objects.get(pk=order_id)
    with override(settings.LANGUAGE_CODE):
        context = {**_context(order), "address_label": address_label(order), "admin_url": admin_url(order)}
        send(
            "new_order",
            to=settings.MERCHANT_EMAILS,
            context=context,
            language=settings.LANGUAGE_CODE,
            message_key=f"new-order-{order.number}",
        )


@outbox.subscribe("mail.order_under_review", peer=peers.MAIL)
def send_under_review(order_id: int) -> None:
    """The payment service is still checking the payment."""
    order = Order.objects.get(pk=order_id)
    with override(order.language), unpaid_mails.may_go("under review", order) as may_go:
        if not may_go:
            return
        send(
            "order_under_review",
            to=[order.email],
            concerns=order.number,
            context=_context(order),
            language=order.language,
            message_key=f"order-under-review-{order.number}",
        )


@outbox.subscribe("mail.payment_denied", peer=peers.MAIL)
def send_payment_denied(order_id: int) -> None:
    """The payment under review was denied. Nothing is sent if the order has been paid or closed since."""
    order = Order.objects.get(pk=order_id)
    if order.status != Order.Status.PENDING:
        return
    with override(order.language), unpaid_mails.may_go("denied", order) as may_go:
        if not may_go:
            return
        send(
            "payment_denied",
            to=[order.email],
            concerns=order.number,
            context=_context(order),
            language=order.language,
            message_key=f"payment-denied-{order.number}-{order.hold_until:%Y%m%d%H%M}",
        )


@outbox.subscribe("mail.order_cancelled", peer=peers.MAIL)
def send_cancelled(order_id: int) -> None:
    """The buyer has begun to pay the order and then cancelled it."""
    order = Order.objects.get(pk=order_id)
    with unpaid_mails.may_go("cancelled", order) as may_go:
        if not may_go:
            return
        send(
            "order_cancelled",
            to=[order.email],
            concerns=order.number,
            context={"order": order, "order_url": order_url(order)},
            language=order.language,
            message_key=f"order-cancelled-{order.number}",
        )


# --- parcels ---


@outbox.subscribe("mail.order_shipped", peer=peers.MAIL)
def send_shipped(shipment_id: int) -> None:
    """One mail per parcel: what is in it, how to follow it, and what is still to come."""
    shipment = Shipment.objects.select_related("order").get(pk=shipment_id)
    order = shipment.order
    with override(order.language):
        context = {
            **_context(order),
            "shipment": shipment,
            "items": list(shipment.items.select_related("line")),
            "left": left_to_ship(order),
            "address_label": address_label(order),
        }
        send(
            "order_shipped",
            to=[order.email],
            concerns=order.number,
            context=context,
            language=order.language,
            message_key=f"order-shipped-{shipment.pk}",
        )


@outbox.subscribe("mail.parcel_corrected", peer=peers.MAIL)
def send_parcel_corrected(shipment_id: int) -> None:
    """What was written about a parcel was wrong: this is right, as the rows are now."""
    shipment = Shipment.objects.select_related("order").get(pk=shipment_id)
    order = shipment.order
    with override(order.language):
        context = {
            **_context(order),
            "shipment": shipment,
            "items": list(shipment.items.select_related("line")),
        }
        send(
            "parcel_corrected",
            to=[order.email],
            concerns=order.number,
            context=context,
            language=order.language,
            message_key=f"parcel-corrected-{shipment.pk}-{shipment.corrections.count()}",
        )


@outbox.subscribe("mail.parcel_date_moved", peer=peers.MAIL)
def send_parcel_date_moved(order_id: int, move: str) -> None:
    """The days as they are now; nothing once all has left or the money has gone back."""
    order = Order.objects.get(pk=order_id)
    if not order.is_paid or order.delivery is None or not left_to_ship(order):
        return
    with override(order.language):
        send(
            "parcel_date_moved",
            to=[order.email],
            concerns=order.number,
            context=_context(order),
            language=order.language,
            message_key=f"parcel-date-moved-{move}",
        )


# --- answers that came later, or are missing ---


@outbox.subscribe("intake.completed", peer=peers.LOCAL)
def restart_turnaround(line_id: int) -> None:
    """The last missing answer has come: the working days of the report begin."""
    services.restart_turnaround(line_id)


@outbox.subscribe("mail.new_report_date", peer=peers.MAIL)
def send_new_report_date(line_id: int) -> None:
    """The details came later than the payment, so the report does too. Not for refunded lines."""
    line = OrderLine.objects.select_related("order").get(pk=line_id)
    order = line.order
    if not order.is_paid or order.is_refunded or line.is_refunded:
        return
    with override(order.language):
        send(
            "new_report_date",
            to=[order.email],
            concerns=order.number,
            context={"order": order, "line": line, "order_url": order_url(order)},
            language=order.language,
            message_key=f"new-report-date-{line.pk}",
        )


@outbox.subscribe("mail.details_missing", peer=peers.MAIL)
def send_details_missing(order_id: int) -> None:
    _send_about_details(order_id, name="details_missing")


@outbox.subscribe("mail.details_reminder", peer=peers.MAIL)
def send_details_reminder(order_id: int) -> None:
    _send_about_details(order_id, name="details_reminder")


def _send_about_details(order_id: int, *, name: str) -> None:
    """Send the mail, unless no answer is missing any more or the order is refunded."""
    order = Order.objects.get(pk=order_id)
    lines = {subject.line_id: subject.line for subject in answers.incomplete(order)}
    if not lines or not order.is_paid or order.is_refunded:
        return
    with override(order.language):
        context = {
            "order": order,
            "lines": list(lines.values()),
            "order_url": order_url(order),
            "details_url": settings.SITE_URL + reverse("consulting:details"),
        }
        send(
            name,
            to=[order.email],
            concerns=order.number,
            context=context,
            language=order.language,
            message_key=f"{name}-{order.number}",
        )


# --- looked up ---


@outbox.subscribe("mail.order_links", peer=peers.MAIL)
def send_order_links(search_id: int) -> None:
    """A link to the orders of the address, if it has any. Its lifetime begins when the mail leaves."""
    search = OrderSearch.objects.filter(pk=search_id).first()
    if search is None:  # deleted meanwhile: nobody waits for it any more
        return
    orders = lookup.orders_of(search)
    if not orders:
        return
    subject = mail_requests.subject(search.email, search.number)
    with LINKS_MAILED.taken(subject) as taken, unpaid_mails.may_go("links", orders[0]) as may_go:
        if not taken or not may_go:
            LINKS_MAILED.release(taken)  # nothing goes out
            return
        link, lifetime = lookup.link_for(search, orders)
        send(
            "order_links",
            to=[orders[0].email],
            concerns=orders[0].number,
            context={
                "link": link,
                "minutes": int(lifetime.total_seconds() // 60),
                "hours": int(lifetime.total_seconds() // 3600),
            },
            language=search.language,
            message_key=f"order-links-{search.pk}",
        )


# --- cancellation requests ---


@outbox.subscribe("mail.cancellation_asked", peer=peers.MAIL)
def send_cancellation_request(request_id: int) -> None:
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


@outbox.subscribe("mail.cancellation_answered", peer=peers.MAIL)
def send_cancellation_answer(request_id: int) -> None:
    """The merchant's answer, in the language of the order."""
    request = CancellationRequest.objects.select_related("order").get(pk=request_id)
    order = request.order
    send(
        "cancellation_answered",
        to=[order.email],
        concerns=order.number,
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


# --- corrections ---


@outbox.subscribe("mail.address_corrected", peer=peers.MAIL)
def send_address_corrected(order_id: int) -> None:
    """The delivery details as they are now, to the order's mailbox."""
    order = Order.objects.get(pk=order_id)
    version = corrections.address_version(order)
    with override(order.language):
        context = {"order": order, "address_label": address_label(order), "order_url": order_url(order)}
    send(
        "address_corrected",
        to=[order.email],
        concerns=order.number,
        context=context,
        language=order.language,
        message_key=f"address-corrected-{order.number}-{version}",
    )


@outbox.subscribe("mail.email_corrected", peer=peers.MAIL)
def send_email_corrected(correction_id: int) -> None:
    """Whoever reads the old mailbox learns that it no longer belongs to the order, and not what does."""
    correction = EmailCorrection.objects.select_related("order").get(pk=correction_id)
    if not correction.old_email:  # sent before
        return
    with last_mail(since=correction.at):
        send(
            "email_corrected",
            to=[correction.old_email],
            context={"order": correction.order},
            language=correction.order.language,
            message_key=f"email-corrected-{correction.pk}",
        )
    correction.old_email = ""  # needed for this mail only
    correction.save(update_fields=["old_email"])
