"""The admin page of a product, as a browser reads and sends it."""

import re

from django.urls import reverse


def change_url(product):
    return reverse("admin:catalog_product_change", args=[product.pk])


def fields_of(client, url):
    """What the browser would send if nothing were touched."""
    page = client.get(url)
    form = page.context["adminform"].form
    fields = {}
    for part in (
        form,
        *(f for inline in page.context["inline_admin_formsets"] for f in inline.formset.forms),
    ):
        for bound in part:
            _put(fields, bound.html_name, bound.value())
    for inline in page.context["inline_admin_formsets"]:
        for bound in inline.formset.management_form:
            _put(fields, bound.html_name, bound.value())
    return fields


def _put(fields, name, value):
    if isinstance(value, bool):
        if value:
            fields[name] = "on"
    elif isinstance(value, list):
        fields[name] = value
    elif value is not None:
        fields[name] = str(value)


def save(client, product, **changes):
    url = change_url(product)
    fields = fields_of(client, url)
    for key, value in changes.items():
        if value is None:
            fields.pop(key, None)
        else:
            fields[key] = value
    return client.post(url, fields)


def not_refused(client, product, cases):
    """Those of the pairs (changes, error) that are saved, or refused with another error. One page for all."""
    url = change_url(product)
    fields = fields_of(client, url)
    responses = [(client.post(url, {**fields, **changes}), changes, error) for changes, error in cases]
    return [
        (changes, error)
        for response, changes, error in responses
        if response.status_code != 200 or error not in errors_of(response)
    ]


def errors_of(response):
    assert response.status_code == 200
    return re.sub(
        r"\s+",
        " ",
        " ".join(re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.S)),
    )
