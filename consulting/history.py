"""What the order page tells of an order's reports: how far they are, and what has happened."""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Min
from django.utils.translation import gettext as _

from checkout.models import Order
from checkout.signals import Moment, Track

from .models import AccessLog, Case, Report

CaseState = tuple[Case, bool]  # and whether it is open to the client


def track_of(order: Order, cases: Sequence[CaseState]) -> Track:
    """The track of the reports: done once each report that is still paid for can be opened."""
    owed = [case for case, is_open in cases if is_open]
    unready = [case for case in owed if not case.is_published]
    if not owed:
        state = _("Locked (payment disputed)") if order.is_disputed else _("Locked (refunded)")
        return Track(_("Reports"), state, is_done=not order.is_disputed)
    if not unready:
        return Track(_("Reports"), str(owed[0].get_state_display()), is_done=True)
    if len(unready) < len(owed):
        counts = {"ready": len(owed) - len(unready), "total": len(owed)}
        return Track(_("Reports"), _("%(ready)s of %(total)s ready to open") % counts, is_done=False)
    # Whether somebody has taken it yet is the shop's own business: the promise is the same.
    states = {Case.State.WRITING if case.state == Case.State.UNASSIGNED else case.state for case in unready}
    state = str(Case.State(states.pop() if len(states) == 1 else Case.State.WRITING).label)
    return Track(_("Reports"), state, is_done=False)


def moments_of(cases: Sequence[CaseState]) -> tuple[Moment, ...]:
    """When work on each case began, and when each version of its report could be opened."""
    case_of = {case.pk: case for case, _is_open in cases}
    published = Report.objects.filter(case__in=case_of, published_at__isnull=False)
    begun = _("Work on your report has begun: %(report)s")
    ready, updated = _("Your report is ready: %(report)s"), _("Your report was updated: %(report)s")
    moments = [Moment(at, begun % {"report": _name(case_of[pk])}) for pk, at in _begun(case_of)]
    for pk, version, at in published.values_list("case_id", "version", "published_at"):
        if at is not None:
            text = ready if version == 1 else updated
            moments.append(Moment(at, text % {"report": _name(case_of[pk])}))
    withdrawn = _("Your report was withdrawn: %(report)s")
    for case in case_of.values():
        if case.withdrawn_at is not None:
            moments.append(Moment(case.withdrawn_at, withdrawn % {"report": _name(case)}))
    return tuple(moments)


def _begun(case_of: dict[int, Case]) -> list[tuple[int, dt.datetime]]:
    """Case id -> when it was first given to a consultant."""
    assigned = AccessLog.objects.filter(case__in=case_of, what=AccessLog.What.ASSIGNED).order_by()
    return list(assigned.values_list("case_id").annotate(first=Min("at")))


def _name(case: Case) -> str:
    """The service, and which of several subjects."""
    if case.line.quantity == 1:
        return case.line.name
    which = _("%(number)s of %(total)s") % {"number": case.subject, "total": case.line.quantity}
    return f"{case.line.name} ({which})"
