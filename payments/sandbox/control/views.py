"""The rehearsal for people: choose a payment, choose what goes wrong, see what happened. Needs no script."""

import re
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.forms.renderers import BaseRenderer, DjangoTemplates
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from payments.sandbox.faults import registry as faults
from payments.sandbox.faults.kinds import LINE, Invalid, NotNow

from . import actions, overview
from .forms import CALLS, ScenarioForm
from .scenarios import BY_NAME, GATEWAYS, GROUPS, SCENARIOS, title_of

LANGUAGES = {"zh-hant": "繁體中文", "en": "English"}
TIMES = [("1", _("Once")), ("2", _("Twice")), ("5", _("5 times")), ("0", _("Until it is taken back"))]


_REASONS = {
    "no such payment": _("The gateway does not know this payment."),
    "nothing has been paid": _("Nothing has been paid yet."),
    "no dispute is open": _("There is no open dispute about this payment."),
    "a dispute is open already": _("There is an open dispute about this payment already."),
    "the payment is not under review": _("This payment has been decided already."),
    "nothing is undecided": _("This payment has been decided already."),
    "there is no notification": _("There is no notification about this payment yet."),
}


class TargetForm(forms.Form):
    """Which payment, and how often."""

    default_renderer: BaseRenderer = DjangoTemplates()
    reference = forms.ChoiceField(label=_("Which payment?"), required=False, widget=forms.RadioSelect)
    times = forms.ChoiceField(label=_("How often?"), choices=TIMES)

    def __init__(self, gateway: str, data: Any = None, reference: str = "") -> None:
        super().__init__(data, label_suffix="", initial={"reference": reference})
        self.payments = overview.payments(gateway)
        everyone = ("", _("All payments from now on"))
        choices = [(payment.reference, payment.order_number) for payment in self.payments]
        self.fields["reference"].choices = [everyone, *choices]  # type: ignore[attr-defined]


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    with translation.override(_language(request)):
        if request.method != "POST":
            return _show(request, TargetForm(_gateway(request), reference=request.GET.get("reference", "")))
        if "remove" in request.POST:
            return _remove(request)
        return _arrange(request)


def _arrange(request: HttpRequest) -> HttpResponse:
    gateway = _gateway(request)
    target = TargetForm(gateway, request.POST)
    scenario = BY_NAME.get(request.POST.get("scenario", ""))
    if scenario is None or gateway not in scenario.orders:
        return _show(request, target, status=400)
    chosen = ScenarioForm(scenario, gateway, request.POST)
    if target.is_valid() & chosen.is_valid():
        try:
            result = _order(target, chosen)
        except Invalid as problem:
            _complain(problem, target, chosen)
        else:
            reference = target.cleaned_data["reference"]
            return _back(request, reference=reference, done=scenario.name, status=result.get("status", ""))
    return _show(request, target, chosen, status=400)


def _order(target: TargetForm, chosen: ScenarioForm) -> dict[str, Any]:
    """Do it, or arm it. Raises Invalid."""
    reference = target.cleaned_data["reference"]
    order = {**chosen.order(), "reference": reference}
    if not chosen.is_act:
        faults.arm({**order, "times": target.cleaned_data["times"]})
        return {}
    if not reference and order["act"] != "resend_notifications":
        raise Invalid("reference", _("Please choose one payment for this."))
    return actions.perform(order)


def _complain(problem: Invalid, target: TargetForm, chosen: ScenarioForm) -> None:
    """Show the message where the merchant can do something about it."""
    reason = _plain(problem) if isinstance(problem, NotNow) else str(problem.reason)
    question = chosen.question_of("amount" if str(problem.reason).startswith("only ") else problem.member)
    if question:
        chosen.add_error(question, reason)
    else:
        target.add_error("reference", reason)


def _plain(problem: NotNow) -> str:
    """The gateway's own books speak English; a merchant reads a sentence."""
    left = re.fullmatch(r"only ([0-9.]+) is left", str(problem.reason))
    if left:
        return _("Only %(amount)s is left.") % {"amount": left[1]}
    return str(_REASONS.get(str(problem.reason), _("This is not possible with this payment as it is now.")))


def _remove(request: HttpRequest) -> HttpResponse:
    number = request.POST["remove"]
    if number == "all":
        faults.disarm_all()
    elif number.isdecimal():
        faults.disarm(int(number))
    return _back(request, done="removed")


def _show(
    request: HttpRequest, target: TargetForm, chosen: ScenarioForm | None = None, *, status: int = 200
) -> HttpResponse:
    gateway = _gateway(request)
    done = BY_NAME.get(request.GET.get("done", "")) if request.method != "POST" else None
    if done and gateway not in done.orders:
        done = None
    opened = chosen.scenario.group if chosen else done.group if done else "paying"
    context = {
        "gateway": gateway,
        "gateways": [(code, name, _query(request, gateway=code)) for code, name in GATEWAYS.items()],
        "languages": [(code, name, _query(request, lang=code)) for code, name in LANGUAGES.items()],
        "is_wide": True,
        "site_url": settings.SITE_URL,
        "target": target,
        "payments": list(zip(list(target["reference"])[1:], target.payments, strict=True)),
        "groups": _groups(gateway, chosen, opened),
        "armed": [_told(fault) for fault in faults.armed()],
        "events": overview.events(),
        "done": done,
        "done_now": done is not None and done.is_act(gateway),
        "removed": request.GET.get("done") == "removed",
        "answered": request.GET.get("status", "") if request.GET.get("status", "").isdecimal() else "",
        "chosen": chosen,
    }
    return render(request, "sandbox/rehearsal.html", context, status=status)


def _groups(gateway: str, chosen: ScenarioForm | None, opened: str) -> list[dict[str, Any]]:
    """The cards as the page shows them; the one that was used keeps its answers and its errors."""
    groups = []
    for name, (title, text) in GROUPS.items():
        cards = [
            chosen if chosen and chosen.scenario is scenario else ScenarioForm(scenario, gateway)
            for scenario in SCENARIOS
            if scenario.group == name and gateway in scenario.orders
        ]
        groups.append({"name": name, "title": title, "text": text, "cards": cards, "is_open": name == opened})
    return groups


def _told(fault: faults.Fault) -> dict[str, Any]:
    gateway = fault["gateway"]
    return {
        "id": fault["id"],
        "gateway": GATEWAYS[gateway],
        "title": title_of(gateway, fault),
        "when": dict(CALLS[gateway]).get(fault["on"], "") if fault["fault"] in LINE else "",
        "order_number": overview.order_number(fault["reference"]),
        "left": fault["left"],
    }


def _gateway(request: HttpRequest) -> str:
    chosen = request.GET.get("gateway", "")
    return chosen if chosen in GATEWAYS else "paypal"


def _language(request: HttpRequest) -> str:
    chosen = request.GET.get("lang", "")
    if chosen in LANGUAGES:
        return chosen
    return "zh-hant" if request.headers.get("Accept-Language", "zh").startswith("zh") else "en"


def _query(request: HttpRequest, **changed: str) -> str:
    parameters = {name: request.GET[name] for name in ("gateway", "lang") if name in request.GET}
    return "?" + urlencode({**parameters, **changed})


def _back(request: HttpRequest, **parameters: object) -> HttpResponse:
    """Send the browser to fetch the page anew after a form: reloading it repeats nothing."""
    shown = {name: str(value) for name, value in parameters.items() if value != ""}
    return HttpResponseRedirect(_query(request, **shown), status=303)
