"""The form of a refund: pieces or amounts per line, the shipping fee, another amount."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shop.l10n import money
from shop.typed_values.fields import AmountField, LineField, WholeNumberField

from .plan import NothingChosen, Refundable, RefundableLine, RefundPlan, RefundRequest, TooMuch


@dataclass(frozen=True)
class Row:
    """A line of the order with its fields, as far as something of it is left."""

    left: RefundableLine
    fields: tuple[tuple[str, BoundField | None], ...]  # with the heading of each


class RefundForm(forms.Form):
    """``plan_of`` tells what the typed values would do; a valid form has that ``plan``."""

    reason = LineField(
        label=gettext_lazy("Reason"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("For staff only; the customer does not see it."),
    )
    plan: RefundPlan

    def __init__(
        self,
        *args: Any,
        left: Refundable,
        plan_of: Callable[[RefundRequest], RefundPlan],
        explains: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.left = left
        self._plan_of = plan_of
        for each in left.lines:
            if each.quantity or each.amount:
                self._add_line(each)
        if left.shipping > 0:
            self.fields["shipping"] = self._amount_field(_("Shipping fee"), left.shipping)
        if explains:
            del self.fields["reason"]
        else:
            help_text = _("Money only, for example as a goodwill. Nothing changes for goods and reports.")
            self.fields["amount"] = self._amount_field(_("Another amount"), left.money, help_text)
            self.order_fields([name for name in self.fields if name != "reason"])

    def _add_line(self, left: RefundableLine) -> None:
        line = left.line
        quantity = _("Pieces of %(name)s") % {"name": line.name}
        self.fields[f"quantity_{line.pk}"] = _pieces(quantity, left.quantity)
        amount = _("Amount for %(name)s") % {"name": line.name}
        self.fields[f"amount_{line.pk}"] = self._amount_field(amount, left.amount, "")
        if left.returnable:
            label = _("Back into stock of %(name)s") % {"name": line.name}
            self.fields[f"restock_{line.pk}"] = _pieces(label, min(left.quantity, left.returnable))

    def _amount_field(self, label: str, most: Decimal, help_text: str | None = None) -> AmountField:
        if help_text is None:
            help_text = _("%(amount)s can still be refunded.") % {"amount": self._shown(most)}
        return AmountField(
            label=label,
            required=False,
            min_value=Decimal(0),
            max_value=most,
            max_digits=12,
            decimal_places=money.exponent(self.left.currency),
            help_text=help_text,
            error_messages={"max_value": _("At most %(amount)s.") % {"amount": self._shown(most)}},
        )

    def _shown(self, amount: Decimal | int) -> str:
        return money.formatted(Decimal(amount), self.left.currency)

    @property
    def rows(self) -> Iterator[Row]:
        headings = {
            "quantity": _("Pieces to refund"),
            "amount": _("Other amount for it"),
            "restock": _("Pieces back into stock"),
        }
        for left in self.left.lines:
            names = {kind: f"{kind}_{left.line.pk}" for kind in headings}
            fields = {kind: self[name] if name in self.fields else None for kind, name in names.items()}
            yield Row(left, tuple((headings[kind], field) for kind, field in fields.items()))

    @property
    def others(self) -> list[BoundField]:
        """The fields that belong to no line."""
        return [self[name] for name in ("shipping", "amount", "reason") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.plan = self._plan_of(self.refund_request())
            except NothingChosen:
                raise forms.ValidationError(_("Please enter what is to be refunded.")) from None
            except TooMuch as error:
                self.add_error(error.where or None, self._too_much(error))
        return cleaned

    def _too_much(self, error: TooMuch) -> str:
        if error.where.startswith(("quantity_", "restock_")):
            return _("At most %(pieces)s here.") % {"pieces": error.left}
        if error.where:
            return _("At most %(amount)s.") % {"amount": self._shown(error.left)}
        return _("Together this is more than the %(amount)s that can still be refunded.") % {
            "amount": self._shown(error.left)
        }

    def refund_request(self) -> RefundRequest:
        def typed(kind: str) -> dict[int, Any]:
            values = {
                left.line.pk: self.cleaned_data.get(f"{kind}_{left.line.pk}") for left in self.left.lines
            }
            return {pk: value for pk, value in values.items() if value is not None}

        return RefundRequest(
            quantities=typed("quantity"),
            amounts=typed("amount"),
            restock=typed("restock"),
            shipping=self.cleaned_data.get("shipping") or Decimal(0),
            amount=self.cleaned_data.get("amount") or Decimal(0),
        )


def form_values(request: RefundRequest) -> dict[str, str]:
    """The form's values for this request."""
    values = {f"quantity_{pk}": str(quantity) for pk, quantity in request.quantities.items() if quantity}
    values |= {f"amount_{pk}": str(amount) for pk, amount in request.amounts.items()}
    values |= {f"restock_{pk}": str(quantity) for pk, quantity in request.restock.items()}
    if request.shipping:
        values["shipping"] = str(request.shipping)
    if request.amount:
        values["amount"] = str(request.amount)
    return values


def _pieces(label: str, most: int) -> WholeNumberField:
    return WholeNumberField(
        label=label,
        required=False,
        min_value=0,
        max_value=most,
        error_messages={"max_value": _("At most %(pieces)s here.") % {"pieces": most}},
    )
