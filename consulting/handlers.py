"""What consulting does when it hears of an order or of a published report."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override
from django.views.decorators.debug import sensitive_variables

from checkout.models import Order
from checkout.signals import Section
from shop import mail, outbox

from . import keys, services
from .access import line_is_open
from .models import Case, OrderKey, Report


def give_key(sender: type[Order], order: Order, **_: Any) -> None:
    services.issue_key(order)


@sensitive_variables()
def key_section(sender: type[Order], order: Order, reveal: bool, **_: Any) -> Section | None:
    """The order key on the confirmation page and in the confirmation mail. Hidden from strangers."""
    order_key = active_key(order)
    if order_key is None:
        return None
    context: dict[str, Any] = {"unlock_url": unlock_url(), "cases": list(Case.objects.of(order))}
    if reveal:
        context["key_groups"] = keys.groups(services.read_key(order_key))
    return Section(
        page_template="consulting/_key_section.html",
        html_template="emails/_key_section.html",
        text_template="emails/_key_section.txt",
        context=context,
    )


def active_key(order: Order) -> OrderKey | None:
    """The key as far as it may be shown: none before the order is paid."""
    return order.keys.filter(state=OrderKey.State.ACTIVE).first() if order.is_paid else None


def unlock_url() -> str:
    """The form, for a mail. No link ever holds a key."""
    return settings.SITE_URL + reverse("consulting:unlock")


@outbox.subscribe("report.published")
@sensitive_variables()
def mail_report_ready(report_id: int) -> None:
    """Tell the client, with the key again. Nothing is sent for what they could not open now."""
    report = Report.objects.select_related("case__line__order").get(pk=report_id)
    case, order = report.case, report.case.order
    order_key = active_key(order)
    if order_key is None or not case.is_published or not line_is_open(case.line):
        return
    with override(order.language):
        context = {
            "order": order,
            "case": case,
            "report": report,
            "unlock_url": unlock_url(),
            "key_groups": keys.groups(services.read_key(order_key)),
        }
    mail.send(
        "report_ready",
        to=[order.email],
        context=context,
        language=order.language,
        message_key=f"report.published:{report.pk}",
    )
