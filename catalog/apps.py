from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Products and services")

    def ready(self) -> None:
        from . import retention  # noqa: F401 declares itself
