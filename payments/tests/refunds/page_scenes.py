"""How tests read and fill in the refund pages of the admin."""

import html
import re

from django.urls import reverse

from payments.tests.harness.refund_scenes import (
    service_of,
    tea_of,
)


def page_of(order):
    return reverse("admin:payments_refund_order", args=[order.pk])


def order_page(order):
    return reverse("admin:checkout_order_change", args=[order.pk])


def shown(response) -> str:
    """The page as it is read: without tags, spaces as one."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())


def hidden(response) -> dict[str, str]:
    """What the page would send again."""
    fields = re.findall(
        r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', response.content.decode()
    )
    return {name: html.unescape(value) for name, value in fields if name != "csrfmiddlewaretoken"}


def typed(order, *, tea="", service="", **more) -> dict[str, str]:
    return {f"quantity_{tea_of(order).pk}": tea, f"quantity_{service_of(order).pk}": service, **more}
