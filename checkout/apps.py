from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    name = "checkout"
    verbose_name = _("Orders")

    def ready(self) -> None:
        from . import (  # noqa: F401 - they subscribe to the outbox, or register themselves
            handlers,
            intake_mails,
            mail_health,
            order_mails,
            privacy_mails,
            promotion_health,
            retention,
            signals,
            stock_health,
            upload_rotation,
        )

        for health in (stock_health, mail_health, promotion_health):
            signals.money_checks.connect(health.checks, dispatch_uid=health.__name__)
