"""The people who work here, as Django keeps them."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse

from shop.typed_values.fields import FORM_FIELDS
from shop.web.asks_again import asks_again, asks_again_to_act

from .search import AnyAdmin
from .sign_in.forms import ChangePasswordForm

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:  # not generic when it runs
    AnyUserAdmin = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.own_password_form = ChangePasswordForm  # type: ignore[attr-defined]


class AsksAgain(AnyAdmin):
    """Mixin: whoever changes what people may do, or how they sign in, shows that it is them."""

    @asks_again_to_act
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changelist_view(request, *args, **kwargs)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Nobody is deleted by the dozen: an account is closed, or deleted on its own page."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @asks_again
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().add_view(request, *args, **kwargs)

    @asks_again
    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().change_view(request, *args, **kwargs)

    @asks_again
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().delete_view(request, *args, **kwargs)


@admin.register(Group)
class StaffGroupAdmin(AsksAgain, GroupAdmin):
    """The groups and what their members may do."""


@admin.register(User)
class StaffAdmin(AsksAgain, AnyUserAdmin):
    """Mails go to their addresses, which are read as a customer's is."""

    formfield_overrides = FORM_FIELDS
    readonly_fields = ("last_login", "date_joined")  # facts

    @asks_again
    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().user_change_password(request, *args, **kwargs)
