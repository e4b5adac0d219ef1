"""The admin: its lists are filtered by what they offer, and by nothing else from the address bar.

Its pages about a row know the row by one spelling of its number.

Not in ``shop.admin``, which asks for the site while it is imported.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.contrib.admin.forms import AdminPasswordChangeForm
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import Http404
from django.urls import reverse

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.admin.views.main import ChangeList
    from django.contrib.auth.forms import PasswordChangeForm
    from django.http import HttpRequest
    from django.template.response import TemplateResponse

    AnyAdmin = admin.ModelAdmin[Any]
else:  # not generic when it runs
    AnyAdmin = admin.ModelAdmin

# What the links of filters and of the hierarchy of dates end with. No beginnings, no patterns.
NUMBER = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
COMPARISONS = {"exact", "id", "pk", "isnull", "in", "gte", "gt", "lt", "lte", "year", "month", "day"}


class ListedLookups(AnyAdmin):
    """Mixin: what ``list_filter``, ``date_hierarchy`` and ``more_lookups`` name may be asked for.

    ``more_lookups``: an admin's own attribute, of what a link of ours asks for.
    Django allows every column of the row itself, in every way: a secret could be asked for letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        filters = self.get_list_filter(request)
        if lookup in {getattr(each, "parameter_name", None) for each in filters}:
            return True  # of a filter that is a class, and reads it itself
        listed = {each[0] if isinstance(each, tuple | list) else each for each in filters}
        parts = lookup.split("__")
        while parts[-1:] and parts[-1] in COMPARISONS:
            parts.pop()
        return "__".join(parts) in {*listed, self.date_hierarchy, *getattr(self, "more_lookups", ())}

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """A value that is none of its column's, such as a year of twenty digits, is no fault of ours."""
        if any(
            "\0" in value for name, values in request.GET.lists() if name != SEARCH_VAR for value in values
        ):
            raise BadRequest("no text")
        try:
            return super().get_changelist_instance(request)
        except (OverflowError, DataError) as error:
            raise BadRequest("a filter's value") from error


class _OwnPasswordChange(PasswordChangeView):
    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.request = self.request
        return form


class ShopAdminSite(admin.AdminSite):
    """Every admin that is registered gets ``ListedLookups``, those of packages too.

    ``own_password_form``: with which people change their own password; it is told the ``request``.
    """

    own_password_form: type[PasswordChangeForm] = AdminPasswordChangeForm

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Answer 404 where a row is named by another spelling of its number.

        Django reads +12, 1_2 and 0012 as 12 as well; the audit trail and the client, who reads who looked at
        the order, would not.
        """

        @wraps(view)
        def by_number(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            named = [kwargs[part] for part in ("object_id", "id") if part in kwargs]
            if any(not NUMBER.fullmatch(str(number)) for number in named):
                raise Http404
            return view(request, *args, **kwargs)

        return super().admin_view(by_number, cacheable)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        view = _OwnPasswordChange.as_view(
            form_class=self.own_password_form,
            success_url=reverse("admin:password_change_done"),
            extra_context=self.each_context(request) | (extra_context or {}),
        )
        return cast("TemplateResponse", view(request))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        base = admin_class or admin.ModelAdmin
        names = {"__module__": base.__module__, "__doc__": base.__doc__}
        super().register(model_or_iterable, type(base.__name__, (ListedLookups, base), names), **options)
