"""Rows that staff may read and never write: what happens in the shop makes them, not a form."""

from typing import TYPE_CHECKING, Generic, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
Parent = TypeVar("Parent", bound=Model)

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, TabularInline
else:  # Django's own classes take no parameters when they run

    class ModelAdmin(admin.ModelAdmin, Generic[Row]):
        pass

    class TabularInline(admin.TabularInline, Generic[Row, Parent]):
        pass


class ReadOnly:
    """Deny adding, changing and deleting; looking needs the view permission."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnly, ModelAdmin[Row]):
    """A list and a page for each row."""


class ReadOnlyInline(ReadOnly, TabularInline[Row, Parent]):
    """A table on the page of the row above."""

    extra = 0
    can_delete = False
