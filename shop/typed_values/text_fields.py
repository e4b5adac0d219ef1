"""Form fields for words: texts, names, codes. They come whole, without what cannot be printed."""

import re
from typing import Any

from django import forms
from django.core import validators
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import email_addresses
from .characters import PICTURES, UNREADABLE, clean, fold, fold_code, unprintable

_UNREADABLE = _("The character %(code)s%(place)s cannot be read. Please type it another way or leave it out.")
_UNPRINTABLE = _(
    "The character %(code)s%(place)s prints as an empty box. Please type it another way or leave it out."
)
_SHOWN_BEFORE = 6  # characters that name the place


def check_characters(text: str) -> None:
    """Raise ValidationError for what cannot be read, or would be an empty box on a label or a page."""
    if match := UNREADABLE.search(text):
        raise ValidationError(_UNREADABLE, code="unreadable", params=_place_of(match[0], text))
    if character := unprintable(text):
        raise ValidationError(_UNPRINTABLE, code="unprintable", params=_place_of(character, text))


def _place_of(character: str, text: str) -> dict[str, str]:
    before = text[: text.index(character)].split("\n")[-1].strip()[-_SHOWN_BEFORE:]
    place = gettext(" after “%(text)s”") % {"text": before} if before else ""
    return {"code": f"U+{ord(character):04X}", "place": place}


class WholeText(forms.CharField):
    """A text that comes whole. With ``maxlength`` browsers cut what is pasted, and nobody notices."""

    default_error_messages = {
        "max_length": _("Please shorten this to at most %(limit_value)d characters; it has %(show_value)d.")
    }

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {name: value for name, value in super().widget_attrs(widget).items() if name != "maxlength"}


class LineField(WholeText):
    """One line of text in any script."""

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        return " ".join(clean(text).split())

    def run_validators(self, value: str) -> None:
        """The one clear sentence comes before Django's own about null characters."""
        check_characters(value)
        super().run_validators(value)


class LabelField(LineField):
    """One line of a label: a name, a street. Letters of every script, no pictures."""

    def run_validators(self, value: str) -> None:
        check_characters(value)
        _check_sense(value)
        if PICTURES.search(value):
            raise ValidationError(
                _("Emoji cannot be printed on the label. Please use letters and digits."), code="picture"
            )
        super().run_validators(value)


class NameField(LineField):
    """What somebody is called. Browsers fill in a telephone or card number here as well."""

    def run_validators(self, value: str) -> None:
        super().run_validators(value)
        _check_sense(value)
        if value and not any(sign.isalpha() for sign in value):
            raise ValidationError(
                _("“%(text)s” is no name. Please enter one such as Chan Tai Man."), params={"text": value}
            )


class RecipientField(NameField, LabelField):
    """The name on a label."""


def _check_sense(text: str) -> None:
    """Raise ValidationError for what has no letter or digit, or is an e-mail address."""
    if text and not any(sign.isalnum() for sign in text):
        raise ValidationError(
            _("“%(text)s” says nothing. Please write this in letters or digits."), params={"text": text}
        )
    if address := email_addresses.found_in(text):
        raise ValidationError(
            _("%(address)s is an e-mail address, which has its own field. Please enter what belongs here."),
            params={"address": address},
        )


class TextField(WholeText):
    """Several lines of free text. A line end counts as one character, as in the browser."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        return clean(text)

    def run_validators(self, value: Any) -> None:
        if isinstance(value, str):  # else a subclass has made something of the text
            check_characters(value)
        super().run_validators(value)


class CodeField(WholeText):
    """A code, key or number that is read by a rule of its own in the form's ``clean_…``: cleaned folded."""

    def to_python(self, value: Any) -> str:
        return fold(str(super().to_python(value) or ""))


class AddressPartField(WholeText, forms.SlugField):
    """What stands in the address of a page: wuyi-oolong. Reads words, and an address that was pasted."""

    default_error_messages = {
        "invalid": _(
            "“%(text)s” cannot stand in an address. Please use small letters, digits and hyphens, for example"
            " wuyi-rougui-oolong."
        )
    }

    def to_python(self, value: Any) -> str:
        typed = str(super().to_python(value) or "")
        words = fold_code(typed).lower().strip("/ ").rpartition("/")[2]
        return re.sub("[ .-]+", "-", words).strip("-") or typed

    def run_validators(self, value: str) -> None:
        if value and not validators.slug_re.match(value):
            text = self.error_messages["invalid"]
            raise ValidationError(text, code="invalid", params={"text": value})
        super().run_validators(value)
