"""Template words of the catalogue."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django import template
from django.db.models import Model
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.translation import get_language

from catalog.availability import Label, product_label, variant_label
from catalog.models import Product, Variant, in_language, language_of

register = template.Library()


@register.simple_tag
def text_of(instance: Model, field: str) -> str:
    """The field in the reader's language; where it falls back to the other one, marked as that language."""
    text, language = in_language(instance, field), foreign_language(instance, field)
    return format_html('<span lang="{}">{}</span>', language, text) if language else text


@register.simple_tag
def foreign_language(instance: Model, field: str) -> str:
    """The ``lang`` of a field that falls back to the other language, else nothing."""
    language = language_of(instance, field)
    return "" if language == get_language() else {"zh-hant": "zh-Hant"}.get(language, language)


@register.inclusion_tag("catalog/_picture.html")
def picture(path: str, alt: str = "", *, size: int = 400, lazy: bool = True) -> dict[str, Any]:
    """A square picture. With a file that has gone missing, an empty one: the page must not fail for it."""
    try:
        url = static(path)
    except ValueError:
        url = static("img/products/missing.svg")
    return {"url": url, "alt": alt, "size": size, "lazy": lazy}


@register.filter
def of(days: Mapping[int, date], product: Product) -> date | None:
    """What a page knows about the product."""
    return days.get(product.pk)


@register.filter
def stock_label(product: Product) -> Label | None:
    return product_label(product)


@register.simple_tag
def stock_label_of(product: Product, variant: Variant) -> Label | None:
    return variant_label(product, variant)
