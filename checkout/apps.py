from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    name = "checkout"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Import what registers itself (topics, retention, files to rotate); connect the health checks."""
        from checkout import audited, signals  # noqa: F401 - the first registers itself
        from checkout.health import forgetting, mails, promotions, stock
        from checkout.intake import upload_rotation  # noqa: F401 - registers itself
        from checkout.orders import mails as order_mails  # noqa: F401 - registers itself
        from checkout.orders import (
            new_browsers,  # noqa: F401 - registers itself
            staff_notes,  # noqa: F401 - registers itself
        )
        from checkout.placement import receivers  # noqa: F401 - registers itself
        from checkout.privacy import mails as privacy_mails  # noqa: F401 - registers itself
        from checkout.privacy import retention  # noqa: F401 - registers itself
        from checkout.shipping import calendar_reminder  # noqa: F401 - registers itself

        for health in (stock, mails, promotions, forgetting):
            signals.money_checks.connect(health.checks, dispatch_uid=health.__name__)
