"""The people who work here, as Django keeps them."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User

from shop.typed_values.fields import FORM_FIELDS

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:  # not generic when it runs
    AnyUserAdmin = UserAdmin

admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(AnyUserAdmin):
    """Mails go to their addresses, which are read as a customer's is."""

    formfield_overrides = FORM_FIELDS
    readonly_fields = ("last_login", "date_joined")  # facts
