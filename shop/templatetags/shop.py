"""Template words of the shop; available in every template without ``load``."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField, CheckboxInput
from django.forms.formsets import BaseFormSet
from django.http import HttpRequest
from django.template.defaulttags import CsrfTokenNode
from django.urls import reverse, translate_url
from django.utils import translation
from django.utils.html import format_html

from shop.audit import approvals
from shop.l10n import staff_notes
from shop.l10n.money import formatted
from shop.web import once

register = template.Library()


@register.filter
def money(amount: Decimal | int | None, currency: str = "") -> str:
    """HK$1,234.00. Nothing for no amount."""
    if amount is None:
        return ""
    return formatted(Decimal(amount), currency or settings.CURRENCY)


@register.filter
def staff_note(note: str) -> str:
    """In the reader's language: see ``shop.l10n.staff_notes``."""
    return staff_notes.in_words(note)


@register.filter
def quoted(text: str) -> str:
    """What somebody else typed, for mails in plain text: no line of it can be taken for one of the shop's."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


@register.simple_tag(takes_context=True)
def csrf_token(context: template.Context) -> str:
    """Django's own, with the token of the page beside it: see ``shop.web.once``."""
    own = CsrfTokenNode().render(context)
    if not own:
        return own
    return own + format_html('<input type="hidden" name="{}" value="{}">', once.FIELD, once.new_token())


@register.simple_tag(takes_context=True)
def waiting_approvals(context: template.Context) -> int:
    """How many requests of colleagues wait for whoever reads the page."""
    user = getattr(context.get("request"), "user", None)
    return approvals.waiting_for(user) if user is not None and user.is_active and user.is_staff else 0


@register.filter
def is_checkbox(field: BoundField) -> bool:
    """A single tick box: its label stands behind it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.inclusion_tag("_error_summary.html")
def error_summary(*forms: BaseForm | BaseFormSet[Any] | list[BaseForm] | None) -> dict[str, Any]:
    """What is wrong in these forms, formsets or lists of forms, with links to the fields; else nothing."""
    errors: list[dict[str, str]] = []
    for form in forms:
        errors += _errors_of(form)
    return {"errors": errors}


def _errors_of(form: BaseForm | BaseFormSet[Any] | list[BaseForm] | None) -> Iterable[dict[str, str]]:
    if isinstance(form, list):
        for member in form:
            yield from _errors_of(member)
        return
    if form is None or not form.is_bound:
        return
    for message in form.non_form_errors() if isinstance(form, BaseFormSet) else form.non_field_errors():
        yield {"target": "", "label": "", "message": str(message)}
    if isinstance(form, BaseFormSet):
        for member in form.forms:
            yield from _errors_of(member)
        return
    for field in form:
        for message in field.errors:
            label = getattr(field.field, "full_label", field.label)  # of a part of something: both
            yield {"target": _target(field), "label": str(label), "message": str(message)}


def _target(field: BoundField) -> str:
    """The id that takes the focus: of a group, its first choice."""
    if field.is_hidden or not field.auto_id:
        return ""
    return f"{field.auto_id}_0" if field.use_fieldset else field.auto_id


@register.simple_tag(takes_context=True)
def language_links(context: template.Context) -> list[dict[str, str]]:
    """This page in each language. A page that is no page of its own (an error) leads to the home page."""
    request: HttpRequest | None = context.get("request")
    names = {"zh-hant": "中文", "en": "English"}
    has_twin = request is not None and request.resolver_match is not None and not context.get("is_error_page")
    links = []
    for code, _name in settings.LANGUAGES:
        url = translate_url(request.get_full_path(), code) if request and has_twin else _home(code)
        links.append({"code": code, "name": names[code], "url": url})
    return links


def _home(code: str) -> str:
    with translation.override(code):
        return reverse("catalog:home")
