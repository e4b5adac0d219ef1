"""The project as an app: brings its system checks."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    default = True
    name = "shop"
    verbose_name = _("Records and messages")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .admin.sign_in import receivers  # noqa: F401 register themselves
        from .audit import approval_mails, middleware, retention_rule, sign_ins, subjects, trail  # noqa: F401 register themselves
        from .monitoring import checks, deployment_checks  # noqa: F401 register themselves
        from .privacy import retention_rules  # noqa: F401 register themselves

        subjects.declare("shop.outboxmessage", "concerns")
        subjects.declare("shop.approvalrequest", "order_number", part="approval_id")
        middleware.name_deed(
            trail.Deed.RETRY, page="admin:shop_outboxmessage_changelist", action="deliver_now"
        )


class ShopAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with our site in the place of its own."""

    default = False
    default_site = "shop.web.admin_site.ShopAdminSite"
