"""How form fields look: Django's own widgets inside the shop's field template."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import django.forms
from django.conf import settings
from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.template.backends.django import DjangoTemplates as Engine
from django.utils.formats import localize
from django.utils.functional import cached_property
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe


class Renderer(DjangoTemplates):
    """Looks in ``templates/`` first, so ``templates/django/forms/field.html`` is every field's template.

    Two kinds of Django's widgets are written without their templates, which were half of the time of the
    checkout page (three templates for each of 290 options).
    """

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if write := WRITTEN.get(template_name):
            return write(context["widget"])
        return super().render(template_name, context, request)

    @cached_property
    def engine(self) -> Engine:
        built_in = Path(django.forms.__file__).parent / "templates"
        return Engine(
            {
                "APP_DIRS": True,
                "DIRS": [settings.BASE_DIR / "templates", built_in],
                "NAME": "shopforms",
                "OPTIONS": {"builtins": settings.TEMPLATE_BUILTINS},
            }
        )


def _input(widget: Mapping[str, Any]) -> SafeString:
    """django/forms/widgets/input.html"""
    kind, name, value = (_escaped(widget[part]) for part in ("type", "name", "value"))
    value = "" if widget["value"] is None else f' value="{value}"'
    return mark_safe(f'<input type="{kind}" name="{name}"{value}{_attributes(widget)}>')


def _select(widget: Mapping[str, Any]) -> SafeString:
    """django/forms/widgets/select.html"""
    groups = []
    for name, options, _ in widget["optgroups"]:
        group = "".join(
            f'<option value="{_escaped(option["value"])}"{_attributes(option)}>'
            f"{conditional_escape(localize(option['label']))}</option>"
            for option in options
        )
        groups.append(f'<optgroup label="{_escaped(name)}">{group}</optgroup>' if name else group)
    return mark_safe(
        f'<select name="{_escaped(widget["name"])}"{_attributes(widget)}>{"".join(groups)}</select>'
    )


def _attributes(widget: Mapping[str, Any]) -> str:
    return "".join(
        f" {name}" if value is True else f' {name}="{_escaped(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _escaped(value: Any) -> str:
    """A number as computers write it, whatever the language."""
    return conditional_escape(value)


_INPUTS = ("text", "email", "number", "password", "url", "tel", "hidden", "date", "time", "checkbox")
WRITTEN: dict[str, Callable[[Mapping[str, Any]], SafeString]] = {
    "django/forms/widgets/select.html": _select,
    **{f"django/forms/widgets/{name}.html": _input for name in _INPUTS},
}
