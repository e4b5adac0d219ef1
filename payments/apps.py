from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = _("Payments")

    def ready(self) -> None:
        """Import what registers itself (checks, outbox topics, retention classes); connect to checkout."""
        from checkout.signals import (
            confirmation_sections,
            money_checks,
            money_is_on_its_way,
            open_matters,
            order_erased,
            personal_data,
        )
        from payments import audited, checks, mails, privacy, staff_notes  # noqa: F401 - four register
        from payments.attempts import closing
        from payments.health import alerts, captures, gateways, refunds  # noqa: F401 - alerts registers itself
        from payments.refunds import approved, summaries  # noqa: F401 - approved registers itself

        confirmation_sections.connect(summaries.refunds_section, dispatch_uid="payments.refunds_section")
        money_is_on_its_way.connect(
            closing.has_possible_capture, dispatch_uid="payments.has_possible_capture"
        )
        open_matters.connect(privacy.open_matters, dispatch_uid="payments.open_matters")
        order_erased.connect(privacy.erase, dispatch_uid="payments.erase")
        personal_data.connect(privacy.holdings, dispatch_uid="payments.holdings")
        for health in (captures, refunds, gateways):
            money_checks.connect(health.checks, dispatch_uid=health.__name__)
