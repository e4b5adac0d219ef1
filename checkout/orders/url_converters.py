"""The parts of addresses that name an order, or a mailed link: what makes them, and nothing else."""

from django.urls import register_converter


class OrderToken:
    """Made by ``secrets.token_urlsafe``."""

    regex = "[A-Za-z0-9_-]{20,60}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class LinkToken(OrderToken):
    """Made by ``signing.dumps``."""

    regex = "[A-Za-z0-9_:-]{20,200}"


register_converter(OrderToken, "order_token")
register_converter(LinkToken, "link_token")
