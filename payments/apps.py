from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from . import checks, handlers  # noqa: F401 - registers system checks, subscribes to the outbox
