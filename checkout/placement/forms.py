"""The checkout form: who, where to, and per service what the consultant must know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from cart.cart import Cart
from cart.lines import CartLine
from catalog.models import IntakeQuestion
from checkout.addresses.forms import ShippingForm
from checkout.forms.contact import EmailForm
from checkout.intake.forms import IntakeForm
from checkout.models import Upload
from checkout.services import IntakeAnswers, Submission
from shop.l10n.languages import LANGUAGE_COLUMNS, current_language
from shop.typed_values.fields import LineField, NameField, PhoneField, PhoneInput, TextField
from shop.typed_values.phone_numbers import PhoneNumber

SAME = "same"


class ServiceContactForm(forms.Form):
    """How the consultant reaches the client about one service."""

    contact_name = NameField(
        label=_("Contact name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Please enter your name.")},
    )
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
    channel_id = LineField(
        label=_("Name or number there"),
        required=False,
        max_length=100,
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
    remarks = TextField(label=_("Anything we should know"), required=False, max_length=1000)

    def __init__(self, *args: Any, like: str = "", like_name: str = "", **kwargs: Any) -> None:
        """``like``: the prefix of an earlier service's block, which this one may repeat."""
        super().__init__(*args, **kwargs)
        self.repeats = False
        if like:
            label = _("The same as for “%(service)s”") % {"service": like_name}
            same = forms.BooleanField(label=label, required=False)
            self.repeats = self.is_bound and bool(self.data.get(self.add_prefix(SAME)))
            if self.repeats:
                self.data = self._repeating(like)
            self.fields = {SAME: same, **self.fields}

    def full_clean(self) -> None:
        """What is wrong with a repeated block is told once, where it was typed."""
        super().full_clean()
        if self.repeats:
            self.errors.clear()

    def _repeating(self, like: str) -> dict[str, Any]:
        """What was typed, with the earlier block's contents in place of this one's."""
        names = [*self.fields, f"phone{PhoneInput.READING}"]
        typed = {name: self.data.get(f"{like}-{name}", "") for name in names}
        return {self.add_prefix(SAME): "on"} | {self.add_prefix(name): text for name, text in typed.items()}

    def answers(self) -> list[dict[str, Any]]:
        return [
            _answer(name, field, self.cleaned_data[name])
            for name, field in self.fields.items()
            if name != SAME
        ]


def _answer(name: str, field: forms.Field, value: Any) -> dict[str, Any]:
    answer = {"key": name, "value": str(value)}
    for column, language in LANGUAGE_COLUMNS.items():
        with override(language):
            names = dict(getattr(field, "choices", []))
            answer[f"label_{column}"] = str(field.label)
            shown = value.shown if isinstance(value, PhoneNumber) else names.get(value, value)
            answer[f"shown_{column}"] = str(shown)
    return answer


@dataclass(frozen=True)
class Sent:
    """The files that came up with the form, by field: those that are kept, and what was wrong with others."""

    kept: Mapping[str, Sequence[Upload]] = field(default_factory=dict)
    problems: Mapping[str, list[str]] = field(default_factory=dict)


class LineForms:
    """The forms that belong to one line of the cart."""

    def __init__(
        self, line: CartLine, data: Mapping[str, Any] | None, sent: Sent, *, like: str = "", name: str = ""
    ) -> None:
        self.line = line
        self.prefix = f"v{line.variant.pk}"
        product = line.variant.product
        self.contact = (
            ServiceContactForm(
                data,
                prefix=self.prefix,
                initial={"report_language": current_language()},
                like=like,
                like_name=name,
            )
            if product.is_service
            else None
        )
        questions = list(product.questions.all())
        self.subjects = [
            IntakeForm(
                data,
                questions=questions,
                uploads=sent.kept,
                problems=sent.problems,
                prefix=f"{self.prefix}-{number}",
            )
            for number in range(1, line.quantity + 1)
            if questions
        ]

    @property
    def all(self) -> list[forms.Form]:
        return ([self.contact] if self.contact else []) + list(self.subjects)

    def intakes(self) -> list[IntakeAnswers]:
        variant_id = self.line.variant.pk
        contact = [IntakeAnswers(variant_id, 0, self.contact.answers())] if self.contact else []
        return contact + [
            IntakeAnswers(variant_id, number, form.answers())
            for number, form in enumerate(self.subjects, start=1)
        ]


class CheckoutForms:
    """All forms of the checkout page, over one POST."""

    def __init__(self, cart: Cart, data: Mapping[str, Any] | None = None, sent: Sent | None = None) -> None:
        self.email = EmailForm(data)
        self.shipping = ShippingForm(data, cart=cart) if cart.needs_shipping else None
        self.lines: list[LineForms] = []
        for line in cart.lines:
            first = next((other for other in self.lines if other.contact), None)
            like = {"like": first.prefix, "name": first.line.variant.product.name} if first else {}
            forms_ = LineForms(line, data, sent or Sent(), **like)
            if forms_.all:
                self.lines.append(forms_)

    @property
    def file_questions(self) -> dict[str, IntakeQuestion]:
        """Field -> question, of everything that takes files."""
        return {
            form.add_prefix(key): ask.question
            for line in self.lines
            for form in line.subjects
            for key, ask in form.asks.items()
            if ask.question.kind == IntakeQuestion.Kind.FILE
        }

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

    @property
    def shipping_method(self) -> str:
        """Code of the tariff that the page quotes; empty where nothing is shipped."""
        return self.shipping.option.tariff.code if self.shipping else ""

    def submission(self) -> Submission:
        """What was typed. Only after ``is_valid()``."""
        parts: dict[str, Any] = {}
        if self.shipping:
            parts = self.shipping.delivery()
        return Submission(
            email=self.email.cleaned_data["email"],
            language=current_language(),
            intakes=tuple(intake for line in self.lines for intake in line.intakes()),
            **parts,
        )
