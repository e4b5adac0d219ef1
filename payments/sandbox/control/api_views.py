"""The JSON door to the rehearsal: ``faults`` and ``acts`` describe what passes through it."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from payments.sandbox.faults import registry as faults
from payments.sandbox.faults.kinds import Invalid

from . import actions


def _in_english(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Programs read one language, and get 400 with the name of the member that is wrong."""

    @csrf_exempt
    @wraps(view)
    def answered(request: HttpRequest, **parameters: Any) -> HttpResponse:
        with translation.override("en"):
            try:
                return view(request, **parameters)
            except Invalid as problem:
                return JsonResponse({"error": str(problem)}, status=400)

    return answered


@_in_english
@require_http_methods(["GET", "POST", "DELETE"])
def all_faults(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return JsonResponse({"id": faults.arm(_body(request))}, status=201)
    if request.method == "DELETE":
        faults.disarm_all()
        return HttpResponse(status=204)
    return JsonResponse({"faults": faults.armed()})


@_in_english
@require_http_methods(["DELETE"])
def one_fault(request: HttpRequest, number: int) -> HttpResponse:
    if not faults.disarm(number):
        return JsonResponse({"error": "id: no such fault is armed"}, status=404)
    return HttpResponse(status=204)


@_in_english
@require_http_methods(["POST"])
def all_acts(request: HttpRequest) -> HttpResponse:
    return JsonResponse(actions.perform(_body(request)))


def _body(request: HttpRequest) -> Any:
    """JSON by its own name only: no other site's form can order anything here."""
    if request.content_type != "application/json":
        raise Invalid("Content-Type", "application/json is expected")
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise Invalid("body", "this is not JSON") from None
