"""The delivery part of the checkout page, as a browser reads and sends it."""

import re

from checkout.models import Order
from checkout.tests.scenes import URL


def form_of(page: str) -> dict[str, str]:
    """What the checkout form would send: its fields with what stands in them."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if attributes.get("type") in {"radio", "checkbox"} and " checked" not in tag:
            continue
        if "name" in attributes:
            fields[attributes["name"]] = attributes.get(
                "value", "on" if attributes.get("type") == "checkbox" else ""
            )
    for name, options in re.findall(r'<select name="(\w+)"(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        fields[name] = chosen.group(1) if chosen else ""
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL):
        fields[name] = text
    return {name: text.replace("&#x27;", "'") for name, text in fields.items()}


def redraw(client, typed: dict[str, str], **changes: str) -> dict[str, str]:
    """Press "Update address fields and shipping fee": the fields of the page that comes back."""
    response = client.post(URL, {**typed, **changes, "action": "quote"})
    assert response.status_code == 200
    assert not Order.objects.exists()
    return form_of(response.content.decode())
