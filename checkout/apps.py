from django.apps import AppConfig


class CheckoutConfig(AppConfig):
    name = "checkout"

    def ready(self) -> None:
        from . import handlers  # noqa: F401 - subscribes to the outbox
