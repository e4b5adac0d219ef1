"""The page of money health in the admin: what is in order, what is not, and a button that puts it right."""

import logging
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from shop import clock
from shop.monitoring.audit import Check, Finding, NotRepaired
from shop.web.asks_again import asks_again
from shop.web.once import safe_to_repeat

from . import report

logger = logging.getLogger(__name__)

MAY_LOOK, MAY_ASK = "payments.view_payment", "payments.change_payment"
# Asking happens while a person waits. The command asks about everything.
MAX_ASKED, SECONDS = 40, 15.0
MAX_SHOWN = 10


def urls(site: admin.AdminSite) -> list[URLPattern]:
    return [
        path("health/", site.admin_view(page), name="payments_money_health"),
        path("health/repair/", site.admin_view(repair), name="payments_money_repair"),
        path("health/ask/", site.admin_view(ask), name="payments_money_ask"),
    ]


@require_http_methods(["GET", "HEAD"])
def page(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(MAY_LOOK):
        raise PermissionDenied
    checks = report.checks()
    context = {
        **admin.site.each_context(request),
        "title": _("Money health"),
        "reds": [_shown(check, request.user) for check in checks if check.state == "red"],
        "notes": [_shown(check, request.user) for check in checks if check.state == "note"],
        "oks": [check for check in checks if check.state == "ok" and not check.rows],
        "tables": [check for check in checks if check.rows],
        "checked_at": clock.now(),
        "may_ask": request.user.has_perm(MAY_ASK),
    }
    return render(request, "admin/money_health.html", context)


def _shown(check: Check, user: User | AnonymousUser) -> dict[str, Any]:
    """A check with, per finding, the repair that this user may order."""
    return {"check": check, "rows": [(each, _allowed(each, user)) for each in check.findings]}


def _allowed(finding: Finding, user: User | AnonymousUser) -> Any:
    return finding.repair if finding.repair and user.has_perm(finding.repair.permission) else None


@asks_again
@safe_to_repeat("what was put right is no finding any more; a gateway may be asked")
@require_POST
def repair(request: HttpRequest) -> HttpResponse:
    """Do what the button of a finding says, if the finding is still there: a second click finds none."""
    if not request.user.has_perm(MAY_LOOK):
        raise PermissionDenied
    name, key = request.POST.get("check", ""), request.POST.get("finding", "")
    finding = _find(name, key)
    if finding is None or finding.repair is None:
        messages.info(request, _("There is nothing to repair there any more."))
        return _back(name)
    if not request.user.has_perm(finding.repair.permission):
        raise PermissionDenied
    try:
        finding.repair.act(request.user.get_username())
    except NotRepaired as reason:
        messages.error(request, f"{finding.text} {reason}")
        return _back(name)
    except (InterfaceError, OperationalError):  # the database is away, and so is this page
        raise
    except Exception:
        logger.exception("Repair of %s %s", name, key)
        messages.error(
            request, _("This cannot be put right by a button. Please look at the rows themselves.")
        )
        return _back(name)
    _log(request, finding)
    if _find(name, key):
        messages.warning(request, _("It has been started; please look again in a minute."))
    else:
        messages.success(request, _("It has been put right."))
    return _back(name)


def _find(name: str, key: str) -> Finding | None:
    findings = (each for check in report.checks(name) for each in check.findings)
    return next((each for each in findings if each.key == key), None)


def _log(request: HttpRequest, finding: Finding) -> None:
    LogEntry.objects.create(
        user=cast(User, request.user),
        action_flag=CHANGE,
        object_repr=finding.text[:200],
        change_message=finding.repair.label if finding.repair else "",
    )


@safe_to_repeat("asks the gateways, and settles nothing twice")
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Compare the last days' payments with the gateways. Settles what differs."""
    if not (request.user.has_perm(MAY_LOOK) and request.user.has_perm(MAY_ASK)):
        raise PermissionDenied
    check = report.ask_gateways(most=MAX_ASKED, seconds=SECONDS)
    for finding in check.findings[:MAX_SHOWN]:
        level = messages.ERROR if finding.is_red else messages.WARNING
        messages.add_message(request, level, f"{finding.text} {finding.advice}")
    if not check.findings:
        messages.success(request, _("The gateways tell the same as our books."))
    return _back("sums")


def _back(name: str) -> HttpResponse:
    anchor = f"#{name}" if name.replace("-", "").isalnum() else ""
    return HttpResponseRedirect(reverse("admin:payments_money_health") + anchor)
