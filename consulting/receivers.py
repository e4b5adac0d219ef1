"""What consulting does and shows when checkout tells of an order."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from checkout.models import Order, OrderLine
from checkout.signals import Section
from shop.background import outbox, peers
from shop.typed_values.email_addresses import identity

from . import access, history, key_format
from .access import active_key, line_is_open
from .keys import lifecycle, spoken_form
from .keys import services as keys
from .mails import unlock_url
from .models import Case


def give_key(sender: type[Order], order: Order, **_: Any) -> None:
    keys.issue_key(order)


def replace_key(sender: type[Order], order: Order, **_: Any) -> None:
    """The first key was mailed to an address that was not the buyer's."""
    lifecycle.follow_correction(order)


@outbox.subscribe("report.scheduled", peer=peers.LOCAL)
def move_cases(line_id: int) -> None:
    """The line's report has a new day."""
    line = OrderLine.objects.get(pk=line_id)
    if line.report_due_on:
        keys.reschedule(line, line.report_due_on)


@sensitive_variables()
def key_section(sender: type[Order], order: Order, reveal: bool, **_: Any) -> Section | None:
    """The order key on the confirmation page and in the confirmation mail. Hidden from strangers."""
    order_key = active_key(order)
    if order_key is None:
        return None
    cases = [(case, line_is_open(case.line)) for case in Case.objects.of(order)]
    is_locked = order.is_refunded or all(case.line.is_refunded for case, _is_open in cases)
    context: dict[str, Any] = {"unlock_url": unlock_url(), "cases": cases, "is_locked": is_locked}
    # A mail that is being made for the mailbox of before must not bring it the key of the new one.
    is_its_mailbox = identity(order_key.order.email) == identity(order.email)
    if reveal and not is_locked and is_its_mailbox and not order.mailbox_doubted_at:
        canonical = keys.read_key(order_key)
        context["key_groups"] = key_format.groups(canonical)
        context["key_aloud"] = spoken_form.aloud(canonical)
    return Section(
        page_template="consulting/_key_section.html",
        html_template="emails/_key_section.html",
        text_template="emails/_key_section.txt",
        context=context,
        track=history.track_of(order, cases),
        moments=history.moments_of(cases),
    )


def forget_unlocked(sender: None, request: HttpRequest, **_: Any) -> None:
    """Whoever forgets the orders in this browser means their reports, too."""
    access.forget(request)


def unbegun(sender: type[Order], order: Order, **_: Any) -> set[int]:
    """Ids of the lines for which no consultant has taken a case or written a word."""
    cases = Case.objects.filter(line__order=order)
    begun = cases.filter(~Q(state=Case.State.UNASSIGNED) | Q(reports__isnull=False))
    return set(cases.values_list("line_id", flat=True)) - set(begun.values_list("line_id", flat=True))
