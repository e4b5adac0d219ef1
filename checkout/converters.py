"""The part of an address that names an order: what ``secrets.token_urlsafe`` makes, and nothing else."""

from django.urls import register_converter


class OrderToken:
    regex = "[A-Za-z0-9_-]{20,60}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(OrderToken, "order_token")
