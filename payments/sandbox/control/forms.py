"""What a merchant may choose about a scenario. Each question stands for one member of the order."""

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer, DjangoTemplates
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .scenarios import Scenario

Choices = list[tuple[str, str | Promise]]

CALLS: dict[str, Choices] = {
    "paypal": [
        ("capture", _("When the money is taken")),
        ("create", _("When the payment begins")),
        ("show", _("When the shop asks how things are")),
        ("refund", _("When money is given back")),
        ("verify", _("When a notification is checked")),
        ("track", _("When a parcel is reported")),
        ("dispute", _("When the shop asks about a dispute")),
        ("token", _("When the shop logs in")),
    ],
    "unionpay": [
        ("purchase", _("When the money is taken")),
        ("sms", _("When the SMS code is sent")),
        ("query", _("When the shop asks how things are")),
        ("refund", _("When money is given back")),
        ("void", _("When a payment of the same day is cancelled")),
        ("front", _("When the buyer goes to UnionPay’s page")),
        ("certificate", _("When the certificate is renewed")),
    ],
}
_DECLINED: dict[str, Choices] = {
    "paypal": [
        ("INSTRUMENT_DECLINED", _("Declined; the buyer may choose another card")),
        ("TRANSACTION_REFUSED", _("PayPal refuses the payment")),
        ("PAYMENT_DENIED", _("PayPal denies the payment")),
        ("PAYER_ACCOUNT_RESTRICTED", _("The buyer’s PayPal account is restricted")),
        ("TRANSACTION_LIMIT_EXCEEDED", _("The amount is above the buyer’s limit")),
        ("PAYEE_ACCOUNT_RESTRICTED", _("The merchant’s PayPal account is restricted")),
        ("PAYEE_FX_RATE_ID_EXPIRED", _("PayPal refuses with a code that the shop does not know")),
    ],
    "unionpay": [
        ("65", _("CVC or expiration date is wrong")),
        ("71", _("The SMS code is wrong")),
        ("61", _("The card number is not known")),
        ("64", _("The balance is too low")),
        ("60", _("The bank refuses the payment")),
        ("73", _("The card has expired")),
    ],
}
_ENDS: dict[str, Choices] = {
    "paypal": [("completed", _("Then it is paid")), ("denied", _("Then it is declined"))],
    "unionpay": [("completed", _("Then it is paid")), ("failed", _("Then it is declined"))],
}
_MINUTES: Choices = [
    ("1", _("For 1 minute")),
    ("5", _("For 5 minutes")),
    ("60", _("For 1 hour")),
    ("2880", _("For 2 days")),
    ("0", _("Until it is decided here")),
]
_SECONDS: Choices = [
    ("5", _("5 seconds")),
    ("15", _("15 seconds")),
    ("60", _("1 minute")),
]
_DELAYS: Choices = [
    ("20", _("20 seconds late")),
    ("300", _("5 minutes late")),
    ("3600", _("1 hour late")),
    ("259200", _("3 days late")),
]
_COPIES: Choices = [("2", _("Twice")), ("5", _("5 times")), ("25", _("25 times"))]
_VARIANTS: dict[str, Choices] = {
    "paypal": [
        ("signature", _("With a wrong signature")),
        ("amount", _("With another amount")),
        ("webhook", _("Meant for another shop")),
        ("certificate", _("With somebody else’s certificate")),
        ("unsigned", _("Without a signature")),
    ],
    "unionpay": [
        ("signature", _("With a wrong signature")),
        ("amount", _("With another amount")),
        ("merchant", _("Meant for another shop")),
        ("certificate", _("With somebody else’s certificate")),
        ("unsigned", _("Without a signature")),
    ],
}
_REASONS: Choices = [
    ("MERCHANDISE_OR_SERVICE_NOT_RECEIVED", _("Nothing has arrived")),
    ("MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED", _("It is not what was described")),
    ("UNAUTHORISED", _("I did not pay this")),
    ("DUPLICATE_TRANSACTION", _("I paid twice")),
]
_WINNERS: Choices = [
    ("RESOLVED_SELLER_FAVOUR", _("The merchant keeps the money")),
    ("RESOLVED_BUYER_FAVOUR", _("The buyer gets the money")),
]
_REFUND_ENDS: Choices = [("completed", _("Then it is done")), ("failed", _("Then it has failed"))]
MEMBERS = {  # questions that are not called as the member they stand for
    "told_amount": "amount",
    "delay": "seconds",
    "refund_then": "then",
    "winner": "outcome",
}


def member_of(question: str, gateway: str) -> str:
    if question == "declined":
        return "issue" if gateway == "paypal" else "code"
    return MEMBERS.get(question, question)


class ScenarioForm(forms.Form):
    """The questions of one scenario."""

    default_renderer: BaseRenderer = DjangoTemplates()

    def __init__(self, scenario: Scenario, gateway: str, data: Any = None) -> None:
        super().__init__(data, prefix=scenario.name, label_suffix="")
        self.scenario, self.gateway = scenario, gateway
        for question in scenario.asks:
            self.fields[question] = _field(question, gateway)

    @property
    def is_act(self) -> bool:
        return self.scenario.is_act(self.gateway)

    def order(self) -> dict[str, Any]:
        """The members that follow from the scenario and the answers. Only of a valid form."""
        answers = {
            member_of(question, self.gateway): str(answer)
            for question, answer in self.cleaned_data.items()
            if answer not in {"", None}
        }
        return {"gateway": self.gateway, **self.scenario.orders[self.gateway], **answers}

    def question_of(self, member: str) -> str | None:
        """The field where a complaint about this member of the order belongs."""
        return next((name for name in self.fields if member_of(name, self.gateway) == member), None)


def _field(question: str, gateway: str) -> forms.Field:
    if question in {"amount", "told_amount"}:
        is_needed = question == "told_amount"
        return forms.DecimalField(
            label=_("Amount told") if is_needed else _("Amount (empty = all that is left)"),
            required=is_needed,
            initial="1.00" if is_needed else None,
            min_value=0.01,
            max_digits=10,
            decimal_places=2,
            localize=False,
            widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        )
    label, choices = {
        "on": (_("When"), CALLS[gateway]),
        "declined": (_("Why"), _DECLINED[gateway]),
        "minutes": (_("How long"), _MINUTES),
        "then": (_("And then"), _ENDS[gateway]),
        "refund_then": (_("And then"), _REFUND_ENDS),
        "outcome": (_("How"), _ENDS[gateway]),
        "seconds": (_("How long"), _SECONDS),
        "delay": (_("How late"), _DELAYS),
        "copies": (_("How often"), _COPIES),
        "variant": (_("How it is forged"), _VARIANTS[gateway]),
        "reason": (_("What the buyer says"), _REASONS),
        "winner": (_("How"), _WINNERS),
    }[question]
    return forms.ChoiceField(label=label, choices=choices)
