"""The checkout form: who, where to, and per service what the consultant must know."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import phonenumbers
from django import forms
from django.utils.functional import lazy
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from cart.cart import Cart, CartLine
from catalog.models import IntakeQuestion

from . import addresses, shipping
from .services import IntakeAnswers, Submission

LANGUAGE_COLUMNS = {"zh_hant": "zh-hant", "en": "en"}


def current_language() -> str:
    """The reader's language: zh-hant or en."""
    return "en" if (get_language() or "").startswith("en") else "zh-hant"


def normalised(text: str) -> str:
    """Full-width digits and letters, as Chinese keyboards type them, become ordinary ones."""
    return unicodedata.normalize("NFKC", text).strip()


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


def _text(
    label: Any, autocomplete: str = "", *, required: bool = True, max_length: int = 100, **extra: Any
) -> forms.CharField:
    attributes = {"autocomplete": autocomplete} if autocomplete else {}
    return forms.CharField(
        label=label,
        required=required,
        max_length=max_length,
        widget=forms.TextInput(attrs=attributes),
        **extra,
    )


class EmailForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=200,
        help_text=_("The confirmation email goes here. No account is needed."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Please enter your e-mail address."),
            "invalid": _("Please enter an e-mail address such as name@example.com."),
        },
    )


class OrderEmailForm(EmailForm):
    """Names the e-mail address of an order, to see it in full."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].help_text = ""


class ShippingForm(forms.Form):
    region = forms.ChoiceField(
        label=_("Region"),
        choices=lazy(addresses.region_choices, list),
        initial="HK",
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
    recipient = _text(
        _("Recipient"), "name", error_messages={"required": _("Please enter the name of the recipient.")}
    )
    phone = PhoneField(
        label=_("Phone"),
        max_length=40,
        help_text=_("The courier calls this number if needed."),
        error_messages={"required": _("Please enter the recipient's phone number.")},
    )
    area = _text(
        _("Area, county or province"),
        "address-level1",
        required=False,
        help_text=_("Hong Kong: Hong Kong Island, Kowloon or New Territories."),
    )
    city = _text(_("District or city"), "address-level2", required=False)
    line1 = _text(_("Street address"), "address-line1", required=False, max_length=200)
    line2 = _text(_("Building, floor, flat"), "address-line2", required=False, max_length=200)
    postcode = _text(
        _("Postcode"),
        "postal-code",
        required=False,
        max_length=20,
        help_text=_("Leave empty for Hong Kong and Macau."),
    )
    delivery_note = _text(_("Delivery note"), required=False, max_length=300)

    def __init__(self, *args: Any, cart: Cart, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cart = cart
        phone = self.fields["phone"]
        region = str(self.data.get("region", ""))
        if isinstance(phone, PhoneField) and re.fullmatch(r"[A-Z]{2}", region):
            phone.region = region
        self.mark_required(region or "HK")

    def mark_required(self, region: str) -> None:
        """Tell which parts of the address the region needs."""
        for part, message in addresses.MISSING.items():
            field = self.fields[part]
            field.required = part in addresses.rules_for(region).required
            field.error_messages["required"] = message

    def clean_postcode(self) -> str:
        return normalised(self.cleaned_data["postcode"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        region = cleaned.get("region", "")
        if not region:
            return cleaned
        for part, message in addresses.problems(region, self.address()).items():
            if part not in self.errors:
                self.add_error(part, str(message))
        refused = shipping.refused(region, (line.variant.product for line in self.cart.goods))
        if refused:
            names = ", ".join(product.name for product in refused)
            self.add_error(
                "region",
                _(
                    "We cannot send these to the chosen region: %(names)s. "
                    "Please remove them or choose another region."
                )
                % {"names": names},
            )
        return cleaned

    def address(self) -> dict[str, str]:
        return {part: self.cleaned_data.get(part, "") for part in addresses.PARTS}


class ServiceContactForm(forms.Form):
    """How the consultant reaches the client about one service."""

    contact_name = _text(_("Contact name"), "name", error_messages={"required": _("Please enter your name.")})
    phone = PhoneField(
        label=_("Phone"), max_length=40, error_messages={"required": _("Please enter your phone number.")}
    )
    channel = forms.ChoiceField(
        label=_("Preferred channel"),
        choices=[
            ("phone", _("Phone")),
            ("whatsapp", "WhatsApp"),
            ("wechat", "WeChat"),
            ("line", "LINE"),
            ("email", _("E-mail")),
        ],
        initial="phone",
    )
    channel_id = _text(
        _("Name or number there"),
        required=False,
        help_text=_("Only if it is not the phone number or e-mail address above."),
    )
    best_time = forms.ChoiceField(
        label=_("Best time to reach you"),
        choices=[
            ("any", _("Any time")),
            ("morning", _("Morning, 9:00–12:00")),
            ("afternoon", _("Afternoon, 12:00–18:00")),
            ("evening", _("Evening, 18:00–21:00")),
        ],
    )
    time_zone = forms.ChoiceField(
        label=_("Your time zone"),
        choices=[
            ("Asia/Hong_Kong", _("Hong Kong, Macau, Taiwan, mainland China (UTC+8)")),
            ("Asia/Tokyo", _("Japan, Korea (UTC+9)")),
            ("Europe/London", _("United Kingdom")),
            ("Europe/Paris", _("Central Europe")),
            ("America/New_York", _("North America, east")),
            ("America/Los_Angeles", _("North America, west")),
            ("Australia/Sydney", _("Australia, east")),
        ],
    )
    report_language = forms.ChoiceField(
        label=_("Language of the report"),
        choices=[("zh-hant", _("Traditional Chinese")), ("en", _("English"))],
    )
    remarks = forms.CharField(
        label=_("Anything we should know"),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def answers(self) -> list[dict[str, str]]:
        return [_answer(name, field, self.cleaned_data[name]) for name, field in self.fields.items()]


class IntakeForm(forms.Form):
    """The product's own questions about one subject."""

    def __init__(self, *args: Any, questions: Iterable[IntakeQuestion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.questions = list(questions)
        for question in self.questions:
            self.fields[question.key] = _field(question)

    def answers(self) -> list[dict[str, str]]:
        return [
            _question_answer(question, self.cleaned_data[question.key])
            for question in self.questions
            if self.cleaned_data[question.key] not in (None, "", [])
        ]


def _field(question: IntakeQuestion) -> forms.Field:
    Kind = IntakeQuestion.Kind
    language = "en" if (get_language() or "").startswith("en") else "zh_hant"
    common: dict[str, Any] = {
        "label": question.label,
        "help_text": question.help,
        "required": question.is_required,
        "error_messages": {"required": _("Please answer this question.")},
    }
    choices = [(choice["value"], choice[language]) for choice in question.choices]
    match question.kind:
        case Kind.LONG_TEXT:
            area = forms.Textarea(attrs={"rows": 4})
            return forms.CharField(max_length=question.max_length, widget=area, **common)
        case Kind.NUMBER:
            return forms.IntegerField(min_value=-1000, max_value=10**9, **common)
        case Kind.DATE:
            return forms.DateField(
                widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **common
            )
        case Kind.CHOICE:
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case Kind.MULTI:
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
    field = forms.CharField(max_length=question.max_length, **common)
    if question.pattern:
        field.validators.append(_pattern_validator(question))
    return field


def _pattern_validator(question: IntakeQuestion) -> Any:
    def validate(value: str) -> None:
        if not re.fullmatch(question.pattern, value):
            raise forms.ValidationError(question.help or _("This is not in the expected form."))

    return validate


def _question_answer(question: IntakeQuestion, value: Any) -> dict[str, str]:
    """The answer with the question as it was asked, in both languages."""
    values = [str(item) for item in value] if isinstance(value, list) else [str(value)]
    shown = {}
    for column in LANGUAGE_COLUMNS:
        names = {choice["value"]: choice[column] for choice in question.choices}
        shown[f"shown_{column}"] = ", ".join(names.get(item, item) for item in values)
    return {
        "key": question.key,
        "label_zh_hant": question.label_zh_hant,
        "label_en": question.label_en,
        "value": ",".join(values),
        **shown,
    }


def _answer(name: str, field: forms.Field, value: Any) -> dict[str, str]:
    answer = {"key": name, "value": str(value)}
    for column, language in LANGUAGE_COLUMNS.items():
        with override(language):
            names = dict(getattr(field, "choices", []))
            answer[f"label_{column}"] = str(field.label)
            answer[f"shown_{column}"] = str(names.get(value, value))
    return answer


class LineForms:
    """The forms that belong to one line of the cart."""

    def __init__(self, line: CartLine, data: Mapping[str, Any] | None) -> None:
        self.line = line
        prefix = f"v{line.variant.pk}"
        self.contact = (
            ServiceContactForm(data, prefix=prefix, initial={"report_language": current_language()})
            if line.variant.product.is_service
            else None
        )
        questions = list(line.variant.product.questions.all())
        self.subjects = (
            [
                IntakeForm(data, questions=questions, prefix=f"{prefix}-{number}")
                for number in range(1, line.quantity + 1)
            ]
            if questions
            else []
        )

    @property
    def all(self) -> list[forms.Form]:
        return ([self.contact] if self.contact else []) + list(self.subjects)

    def intakes(self) -> list[IntakeAnswers]:
        variant_id = self.line.variant.pk
        found = [IntakeAnswers(variant_id, 0, self.contact.answers())] if self.contact else []
        return found + [
            IntakeAnswers(variant_id, number, form.answers())
            for number, form in enumerate(self.subjects, start=1)
        ]


class CheckoutForms:
    """All forms of the checkout page, over one POST."""

    def __init__(self, cart: Cart, data: Mapping[str, Any] | None = None) -> None:
        self.email = EmailForm(data)
        self.shipping = ShippingForm(data, cart=cart) if cart.needs_shipping else None
        self.lines = [forms_ for forms_ in (LineForms(line, data) for line in cart.lines) if forms_.all]

    @property
    def all(self) -> list[forms.Form]:
        """Every form, in the order of the page."""
        parts: list[forms.Form] = [self.email]
        if self.shipping:
            parts.append(self.shipping)
        return parts + [form for line in self.lines for form in line.all]

    def is_valid(self) -> bool:
        verdicts = [form.is_valid() for form in self.all]  # every form is to say what is wrong
        return all(verdicts)

    def submission(self) -> Submission:
        """What was typed. Only after ``is_valid()``."""
        parts: dict[str, Any] = {}
        if self.shipping:
            cleaned = self.shipping.cleaned_data
            parts = {key: cleaned[key] for key in ("recipient", "phone", "region", "delivery_note")}
            parts["address"] = self.shipping.address()
        return Submission(
            email=self.email.cleaned_data["email"],
            language=current_language(),
            intakes=tuple(intake for line in self.lines for intake in line.intakes()),
            **parts,
        )
