"""Who may use the consultants' workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from shop.web import unsent

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def consultants_only(view: View[Rest]) -> View[Rest]:
    """Strangers are asked to sign in, other members of staff are refused. Nothing here is ever stored.

    What was typed into a view that is marked for it comes back in either case: see ``unsent``.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            sign_in = redirect_to_login(request.get_full_path()).url
            why, door = _("You were signed out meanwhile."), _("Sign in again in a new window")
            return unsent.give_back(request, then=sign_in, why=why, door=door)
        try:
            if not (request.user.is_staff and request.user.has_perm("consulting.change_case")):
                raise PermissionDenied
            return view(request, *args, **kwargs)
        except PermissionDenied:
            if not unsent.holds_text(request):
                raise
            why = _("You may not send this any more.")
            return unsent.give_back(request, then=reverse("consulting:cases"), why=why)

    return cast("View[Rest]", never_cache(guarded))


def writers_only(view: View[Rest]) -> View[Rest]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not request.user.has_perm("consulting.change_report"):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[Rest]", guarded)


def user_of(request: HttpRequest) -> User:
    return cast("User", request.user)
