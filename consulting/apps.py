from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsultingConfig(AppConfig):
    name = "consulting"
    verbose_name = _("Consulting services")

    def ready(self) -> None:
        from checkout.signals import (
            browser_forgets_orders,
            closed_lines,
            confirmation_sections,
            email_corrected,
            money_checks,
            open_matters,
            order_erased,
            order_paid,
            personal_data,
            unbegun_services,
        )
        from consulting import audited, export, mails, receivers, retention, staff_notes  # noqa: F401 - some
        from consulting.keys import (
            four_eyes,  # noqa: F401 - registers itself
            pepper_rotation,  # noqa: F401 - registers itself
        )
        from consulting.keys import health as key_health
        from consulting.keys import mails as key_mails  # noqa: F401 - registers itself

        order_paid.connect(receivers.give_key, dispatch_uid="consulting.give_key")
        email_corrected.connect(receivers.replace_key, dispatch_uid="consulting.replace_key")
        confirmation_sections.connect(receivers.key_section, dispatch_uid="consulting.key_section")
        browser_forgets_orders.connect(receivers.forget_unlocked, dispatch_uid="consulting.forget_unlocked")
        unbegun_services.connect(receivers.unbegun, dispatch_uid="consulting.unbegun")
        money_checks.connect(key_health.checks, dispatch_uid="consulting.key_health")
        open_matters.connect(retention.open_matters, dispatch_uid="consulting.open_matters")
        order_erased.connect(retention.erase, dispatch_uid="consulting.erase")
        closed_lines.connect(export.closed, dispatch_uid="consulting.closed")
        personal_data.connect(export.holdings, dispatch_uid="consulting.holdings")
