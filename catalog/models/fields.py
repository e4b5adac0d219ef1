"""What several models share: text in two languages, pictures."""

from pathlib import Path

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation, ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.l10n.languages import current_column


def in_language(instance: models.Model, field: str) -> str:
    """The field's text in the reader's language, or in the other language where it is not translated."""
    first = current_column()
    other = "zh_hant" if first == "en" else "en"
    return str(getattr(instance, f"{field}_{first}") or getattr(instance, f"{field}_{other}"))


def language_of(instance: models.Model, field: str) -> str:
    """The language code of the text that ``in_language`` returns, for the attribute ``lang``."""
    first = current_column()
    other = "zh_hant" if first == "en" else "en"
    is_fallback = not getattr(instance, f"{field}_{first}") and getattr(instance, f"{field}_{other}")
    return (other if is_fallback else first).replace("_", "-")


def validate_art(path: str) -> None:
    """Raise ValidationError unless there is such a file under static/: pages that show it would break."""
    try:
        file = finders.find(path)
    except SuspiciousFileOperation:  # ../
        file = None
    if file is None or not Path(file).is_file():
        raise ValidationError(_("There is no such file under static/."))


ART_HELP = _("Path of an SVG under static/, e.g. img/products/TEA-001.svg")
