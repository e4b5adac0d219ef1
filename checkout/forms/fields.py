"""Fields that take what people type and paste as it comes, and say clearly what they cannot take."""

import re
import unicodedata
from typing import Any

import phonenumbers
from django import forms
from django.utils.translation import gettext_lazy as _

# Marks of writing direction, zero-width spaces, byte order marks: pasted along unseen, meaning nothing here.
UNSEEN = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Controls, halves of surrogate pairs, and what stands for a character that could not be read.
UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
PICTURES = re.compile(r"[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")


def normalised(text: str) -> str:
    """Full-width digits and letters, as Chinese keyboards type them, become ordinary ones."""
    return unicodedata.normalize("NFKC", UNSEEN.sub("", text)).strip()


class LineField(forms.CharField):
    """One line of a label: a name, a street. Letters of every script, no pictures."""

    default_error_messages = {
        "unreadable": _("This contains characters that cannot be read. Please type it again."),
        "picture": _("Emoji cannot be printed on the label. Please use letters and digits."),
    }

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value))
        return " ".join(UNSEEN.sub("", text).split())

    def run_validators(self, value: str) -> None:
        """The one clear sentence comes before Django's own about null characters."""
        if UNREADABLE.search(value):
            raise forms.ValidationError(self.error_messages["unreadable"], code="unreadable")
        if PICTURES.search(value):
            raise forms.ValidationError(self.error_messages["picture"], code="picture")
        super().run_validators(value)


class TextField(forms.CharField):
    """Several lines of free text. A line end counts as one character, as in the browser."""

    widget = forms.Textarea(attrs={"rows": 3})
    default_error_messages = {"unreadable": LineField.default_error_messages["unreadable"]}

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value))
        return UNSEEN.sub("", text).replace("\r\n", "\n").replace("\r", "\n")

    def run_validators(self, value: str) -> None:
        if UNREADABLE.search(value):
            raise forms.ValidationError(self.error_messages["unreadable"], code="unreadable")
        super().run_validators(value)


class PhoneField(forms.CharField):
    """A telephone number of any country, cleaned to E.164 (+85291234567)."""

    widget = forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"})
    region = "HK"

    def clean(self, value: Any) -> str:
        text = normalised(str(super().clean(value)))
        if not text:
            return ""
        try:
            number = phonenumbers.parse(text, self.region)
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_possible_number(number):
            raise forms.ValidationError(
                _("Please enter a phone number, with the country code if it is abroad, e.g. +852 9123 4567.")
            )
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
