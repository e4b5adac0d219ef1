"""What the options of an ``IntakeQuestion`` may hold, by its kind."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

MAX_ENTRIES = 20  # of a list, and of files
MAX_MB = 10  # of one file; the upload handler drops what is larger
FILE_TYPES = {"pdf": "PDF", "jpeg": "JPEG", "png": "PNG"}
PART_KINDS = ("text", "year", "date")

# Option -> kinds that have it. "conditions" belongs to every kind.
KINDS_OF = {
    "min": ("number",),
    "max": ("number",),
    "lunar": ("date", "person"),
    "past": ("date",),
    "days_ahead": ("date",),
    "not_before": ("date",),
    "most": ("repeat", "file"),
    "parts": ("repeat",),
    "accept": ("file",),
    "max_mb": ("file",),
}


def check_options(kind: str, options: Any) -> None:
    """Raise ValidationError for options that the checkout could not make sense of."""
    if not isinstance(options, dict):
        raise ValidationError(_("The options are not understood."))
    for name, value in options.items():
        if name != "conditions" and kind not in KINDS_OF.get(name, ()):
            raise ValidationError(_("A question of this kind has no option “%(name)s”.") % {"name": name})
        if not _CHECKS[name](value):
            raise ValidationError(_("The option “%(name)s” is not understood.") % {"name": name})
    if options.get("max", 0) < options.get("min", options.get("max", 0)):
        raise ValidationError(_("The largest number is smaller than the smallest."))
    if kind in ("repeat", "file") and "most" not in options:
        raise ValidationError(_("Please say how many entries or files there may be."))


def _is_number(value: Any) -> bool:
    return type(value) is int and abs(value) <= 10**9


def _is_count(most: int) -> Any:
    return lambda value: type(value) is int and 1 <= value <= most


def _are_parts(value: Any) -> bool:
    names = {"key", "kind", "zh_hant", "en"}
    return isinstance(value, list) and all(
        isinstance(part, dict)
        and set(part) == names
        and all(isinstance(text, str) and text for text in part.values())
        and part["kind"] in PART_KINDS
        and _is_key(part["key"])
        for part in value
    )


def _is_key(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[-\w]{1,40}", value, re.ASCII) is not None


def _are_conditions(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _is_key(key) and isinstance(values, list) and values and all(isinstance(one, str) for one in values)
        for key, values in value.items()
    )


def _is_flag(value: Any) -> bool:
    return type(value) is bool


_CHECKS: dict[str, Any] = {
    "min": _is_number,
    "max": _is_number,
    "lunar": _is_flag,
    "past": _is_flag,
    "days_ahead": _is_count(365),
    "not_before": _is_key,
    "most": _is_count(MAX_ENTRIES),
    "parts": _are_parts,
    "accept": lambda value: isinstance(value, list) and bool(value) and set(value) <= set(FILE_TYPES),
    "max_mb": _is_count(MAX_MB),
    "conditions": _are_conditions,
}
