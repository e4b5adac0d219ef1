"""Who may use the consultants' workspace."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache

from consulting import access
from shop.web import unsent

Rest = ParamSpec("Rest")
View = Callable[Concatenate[HttpRequest, Rest], HttpResponseBase]


def consultants_only(view: View[Rest]) -> View[Rest]:
    """Strangers are asked to sign in, other members of staff are refused. Nothing here is ever stored.

    What was typed comes back in either case: see ``unsent``.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return unsent.ask_to_sign_in(request)
        if not (request.user.is_staff and request.user.has_perm("consulting.change_case")):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[Rest]", never_cache(guarded))


def writers_only(view: View[Rest]) -> View[Rest]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponseBase:
        if not access.is_consultant(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast("View[Rest]", guarded)


def user_of(request: HttpRequest) -> User:
    return cast("User", request.user)
