from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        from checkout.signals import (
            confirmation_sections,
            money_checks,
            money_is_on_its_way,
            open_matters,
            order_erased,
            personal_data,
        )

        from . import (  # noqa: F401 - register checks, subscribe to the outbox
            attempts,
            capture_health,
            certificate_watch,
            checks,
            export,
            gateway_health,
            handlers,
            money_watch,
            refund_health,
            refund_notes,
            retention,
        )

        confirmation_sections.connect(refund_notes.refunds_section, dispatch_uid="payments.refunds_section")
        money_is_on_its_way.connect(attempts.may_be_taken, dispatch_uid="payments.may_be_taken")
        open_matters.connect(retention.open_matters, dispatch_uid="payments.open_matters")
        order_erased.connect(retention.erase, dispatch_uid="payments.erase")
        personal_data.connect(export.holdings, dispatch_uid="payments.holdings")
        for health in (capture_health, refund_health, gateway_health):
            money_checks.connect(health.checks, dispatch_uid=health.__name__)
