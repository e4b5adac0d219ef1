"""What is odd about a tracking number: asked about once, before a customer gets a link that leads nowhere."""

import re
from collections.abc import Iterator
from typing import Any

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Replace
from django.utils.translation import gettext as _

from checkout.models import Shipment
from shop.typed_values.tracking_numbers import bare

Carrier = Shipment.Carrier
_POSTAL = r"[A-Z]{2}\d{9}[A-Z]{2}"  # of all post offices: UPU S10
_FORMS = {
    Carrier.SF: r"SF\d{10,15}|\d{10,15}",
    Carrier.HKPOST: _POSTAL,
    Carrier.DHL: rf"\d{{10,11}}|J?JD\d{{12,20}}|00340\d{{15}}|{_POSTAL}|(?!SF)[A-Z]{{2,3}}\d{{10,20}}",
}
_EXAMPLES = {Carrier.SF: "SF1234567890123", Carrier.HKPOST: "RB123456785HK", Carrier.DHL: "1234567890"}
_CLEAR = {Carrier.SF: r"SF\d{10,15}", Carrier.HKPOST: _POSTAL, Carrier.DHL: r"J?JD\d{12,20}"}
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def with_number(number: str) -> QuerySet[Any]:
    """The parcels whose number holds this one, however it was grouped."""
    ungrouped = Replace(Replace(F("tracking_number"), Value(" "), Value("")), Value("-"), Value(""))
    return Shipment.objects.annotate(bare=ungrouped).filter(bare__icontains=bare(number))


def doubts(carrier: str, number: str, *, parcel: Shipment | None = None) -> Iterator[str]:
    """Sentences that say what is odd; ``parcel`` is the one that the number is being corrected of."""
    if carrier not in _FORMS or not number:
        return
    carrier, typed = Carrier(carrier), bare(number)
    if not _has_form(_FORMS[carrier], typed):
        values = {"number": number, "carrier": carrier.label, "example": _EXAMPLES[carrier]}
        for other in _CLEAR:
            if other != carrier and _has_form(_CLEAR[other], typed):
                values |= {"other": other.label}
                yield _("“%(number)s” looks like a number of %(other)s, not of %(carrier)s.") % values
                return
        yield _("%(carrier)s prints numbers such as %(example)s, not “%(number)s”.") % values
    elif _has_form(_POSTAL, typed) and not _checks(typed[2:11]):
        yield _("The check digit of “%(number)s” does not fit: a digit is wrong, or two are swapped.") % {
            "number": number
        }
    others = with_number(number).filter(bare__iexact=typed).exclude(pk=parcel.pk if parcel else 0)
    if twin := others.select_related("order").first():
        yield _("Order %(order)s has a parcel with this number.") % {"order": twin.order.number}


def _has_form(form: str, number: str) -> bool:
    return re.fullmatch(form, number) is not None


def _checks(digits: str) -> bool:
    """Whether the ninth digit is the one that the first eight call for."""
    rest = 11 - sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False)) % 11
    return int(digits[8]) == {10: 0, 11: 5}.get(rest, rest)
