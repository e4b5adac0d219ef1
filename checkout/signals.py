"""Signals by which apps above hear of an order, or are asked about one, and the values they return."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

from shop.privacy.streamed_zip import Entry

if TYPE_CHECKING:
    from checkout.models import Order

# Sent inside the transaction that makes an order paid; a receiver that raises undoes the payment's record.
# Arguments: order.
order_paid = Signal()

# Sent inside the transaction in which the buyer corrects an order's e-mail address, before any mail about it.
# Arguments: order.
email_corrected = Signal()

# Asked when the confirmation page or mail is rendered. Arguments: order, reveal (False: the reader may be a
# stranger; show nothing secret). A receiver returns a Section or None.
confirmation_sections = Signal()

# Asked before an order gives way to a newer one of its cart. Arguments: order. A receiver returns True while
# money of the order may be on its way.
money_is_on_its_way = Signal()

# Asked when a buyer wants to cancel. Arguments: order. A receiver returns the ids of those service lines that
# nobody has begun to work on.
unbegun_services = Signal()

# Asked before an order is erased. Arguments: order. A receiver returns sentences: what is not settled yet.
open_matters = Signal()

# Sent inside the transaction that erases what is personal in an order. Arguments: order.
order_erased = Signal()

# Asked when a client wants a copy of everything. Arguments: order. A receiver returns Holdings.
personal_data = Signal()

# Sent when a browser shall know of no order any more. Arguments: request.
browser_forgets_orders = Signal()

# Asked when a client wants a copy of everything. Arguments: order. A receiver returns the ids of the lines of
# which answers, files and messages stay out of it at present, and a sentence that says why.
closed_lines = Signal()

# Asked when somebody looks whether the money is in order. A receiver returns audit.Checks.
money_checks = Signal()


@dataclass(frozen=True)
class Holdings:
    """What an app holds about an order: facts that JSON can express, by name, and files.

    Files are asked for one after another, while the copy is sent.
    """

    facts: dict[str, Any] = field(repr=False)
    files: Iterable[Entry] = field(default=(), repr=False)


@dataclass(frozen=True)
class Moment:
    """Something that happened to an order, in words for its customer."""

    at: dt.datetime
    text: str


@dataclass(frozen=True)
class Track:
    """How far one part of an order has come, whatever the others do: its parcels, or its reports."""

    name: str
    state: str
    is_done: bool  # nothing more is to come


@dataclass(frozen=True)
class Section:
    """What another app adds to the confirmation: one template for the page, two for the mail.

    ``track`` and ``moments`` are for the order page: where the app's part stands, and what has happened.
    """

    page_template: str
    html_template: str
    text_template: str
    context: dict[str, Any] = field(default_factory=dict, repr=False)
    track: Track | None = None
    moments: tuple[Moment, ...] = ()


def collect_sections(order: Order, *, reveal: bool) -> list[Section]:
    """Sections that apps above add to the confirmation. ``reveal``: the reader is surely the customer."""
    responses: list[tuple[Any, Any]] = confirmation_sections.send(type(order), order=order, reveal=reveal)
    return [section for _receiver, section in responses if isinstance(section, Section)]


def lines_left_out(order: Order) -> tuple[set[int], list[str]]:
    """Ids of the lines that a copy of everything leaves out at present, and why, in sentences."""
    responses: list[tuple[Any, Any]] = closed_lines.send(type(order), order=order)
    answers = [answer for _receiver, answer in responses if answer]
    return {pk for ids, _why in answers for pk in ids}, [why for _ids, why in answers]


def has_money_on_its_way(order: Order) -> bool:
    """Whether a payment of the order may have been made already."""
    return any(response for _receiver, response in money_is_on_its_way.send(type(order), order=order))
