from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsultingConfig(AppConfig):
    name = "consulting"
    verbose_name = _("Consulting services")

    def ready(self) -> None:
        from checkout.signals import confirmation_sections, order_paid

        from . import handlers

        order_paid.connect(handlers.give_key, dispatch_uid="consulting.give_key")
        confirmation_sections.connect(handlers.key_section, dispatch_uid="consulting.key_section")
