"""A text typed into the page of a row that somebody else deletes meanwhile."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest

from shop.web import unsent

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:  # not generic when it runs
    AnyAdmin = admin.ModelAdmin


class KeepsText(AnyAdmin):
    """Mixin for pages with room for texts: Django's own would lead to the index, and the text be lost."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        found: Model | None = super().get_object(request, object_id, from_field)
        if found is None and unsent.holds_text(request):
            raise Http404  # whose page gives the text back
        return found
