"""The project as an app: brings its system checks."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = _("Records and messages")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .audit import middleware, retention_rule, sign_ins, subjects, trail  # noqa: F401 register
        from .monitoring import checks, deployment_checks  # noqa: F401 register themselves
        from .privacy import retention_rules  # noqa: F401 register themselves

        subjects.declare("shop.outboxmessage", "concerns")
        middleware.name_deed(trail.Deed.RETRY, action="deliver_now")
