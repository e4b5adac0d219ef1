"""The shop's two languages, and which of them the reader uses."""

from django.utils.translation import get_language

LANGUAGE_COLUMNS = {"zh_hant": "zh-hant", "en": "en"}  # how a model's fields end -> language code


def is_english() -> bool:
    return (get_language() or "").startswith("en")


def current_language() -> str:
    """The reader's language: zh-hant or en."""
    return "en" if is_english() else "zh-hant"


def current_column() -> str:
    """The end of the names of fields and keys in the reader's language: zh_hant or en."""
    return "en" if is_english() else "zh_hant"
