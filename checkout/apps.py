from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CheckoutConfig(AppConfig):
    name = "checkout"
    verbose_name = _("Orders")

    def ready(self) -> None:
        """Import what registers itself: outbox topics, retention classes, secrets to rotate; connect health."""
        from checkout import signals
        from checkout.health import mails, promotions, stock

        for health in (stock, mails, promotions):
            signals.money_checks.connect(health.checks, dispatch_uid=health.__name__)
