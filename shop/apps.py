"""The project as an app: brings its system checks."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    default = True
    name = "shop"
    verbose_name = _("Messages to send")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .monitoring import checks, deployment_checks  # noqa: F401 register themselves
        from .privacy import retention_rules  # noqa: F401 register themselves


class ShopAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with our site in the place of its own."""

    default = False
    default_site = "shop.web.admin_site.ShopAdminSite"
