"""The admin's site: what staff typed comes back when they were signed out meanwhile."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from shop.web import unsent


class ShopAdminSite(admin.AdminSite):
    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        checked = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and not self.has_permission(request):
                sign_in = redirect_to_login(request.get_full_path(), reverse("admin:login")).url
                why, door = _("You were signed out meanwhile."), _("Sign in again in a new window")
                return unsent.give_back(request, then=sign_in, why=why, door=door)
            answer: HttpResponseBase = checked(request, *args, **kwargs)
            return answer

        return update_wrapper(guarded, view)
