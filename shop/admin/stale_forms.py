"""A page of the admin that was open while somebody else saved the same thing overwrites nobody unseen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.forms import model_to_dict
from django.utils.html import format_html
from django.utils.translation import gettext as _

from shop.crypto import is_one_of, keyed_digests

from .search import AnyAdmin

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.forms import ModelForm
    from django.http import HttpRequest, HttpResponse
    from django.utils.safestring import SafeString

FIELD = "seen_row"


class NoStaleForms(AnyAdmin):
    """Mixin: the page carries a stamp of what it shows; another one at the POST is told, and saves nothing.

    What is sent once more replaces what the other one saved: that is a decision then. Columns that change by
    themselves, such as stock, are read-only on the pages and no part of the stamp.
    """

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:  # read anew: the form has written what was typed into its own copy
            last = _entries(row).first()
            stamp = self._stamps(request, type(row)._base_manager.get(pk=row.pk))[0]
            context[FIELD] = f"{stamp}-{last.pk if last else 0}"
        return super().render_change_form(request, context, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        seen = request.POST.get(FIELD) if request.method == "POST" and obj else None
        stamp, _hyphen, last_entry = (seen or "").partition("-")
        if not obj or not seen or is_one_of(stamp, self._stamps(request, obj)):
            return form
        return _refused(form, _told(request, obj, last_entry))

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """What stood there when the list was read is sent along, so that only what was typed is saved."""
        formset = super().get_changelist_formset(request, **kwargs)
        for name in self.list_editable:
            formset.form.base_fields[name].show_hidden_initial = True
        return formset

    def _stamps(self, request: HttpRequest, row: Model) -> list[str]:
        """Of what the page shows; the first is for the page."""
        shown = [model_to_dict(row)]
        for inline in self.get_inline_instances(request, row):
            formset = inline.get_formset(request, row)
            parent = formset.fk.name  # type: ignore[attr-defined]
            rows = inline.get_queryset(request).filter(**{parent: row}).order_by("pk")
            kept = set(inline.get_readonly_fields(request, row))
            for each in rows:
                shown.append({name: value for name, value in model_to_dict(each).items() if name not in kept})
        plain = json.dumps([[type(row).__name__, row.pk], shown], default=str, sort_keys=True)
        return keyed_digests("shop.admin.row", plain, length=16)


def _entries(row: Model) -> QuerySet[LogEntry]:
    content_type = ContentType.objects.get_for_model(row)
    return LogEntry.objects.filter(content_type=content_type, object_id=str(row.pk))


def _told(request: HttpRequest, row: Model, last_entry: str) -> SafeString:
    """Who did it is known only of this page: the workspace, too, changes rows and makes no entry."""
    since = int(last_entry) if last_entry.isdecimal() else 0
    last = _entries(row).filter(pk__gt=since).select_related("user").first()
    why = _("This was changed since you opened it, so nothing of yours is saved yet.")
    if last:
        why = _(
            "This was saved by %(name)s since you opened it (%(what)s), so nothing of yours is saved yet."
        ) % {"name": last.user.get_username(), "what": last.get_change_message().rstrip("。.")}
    way_on = _("Compare it in a new window; saving again replaces it.")
    link = _("The page as it is now")
    return format_html('{} {} <a href="{}" target="_blank">{}</a>', why, way_on, request.path, link)


def _refused(form: type[ModelForm[Any]], told: SafeString) -> type[ModelForm[Any]]:
    """The same form, which says this of itself as a whole."""

    class Refused(form):  # type: ignore[valid-type, misc]
        def clean(self) -> Any:
            cleaned = super().clean()
            self.add_error(None, told)
            return cleaned

    return Refused
