"""Where the parcel goes and how: the fields that the chosen region and way of delivery need, no others."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise, lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart.cart import Cart
from checkout.shipping import rates
from shop.typed_values.characters import UNREADABLE, clean, fold, fold_code
from shop.typed_values.fields import CodeField, LabelField, PhoneField, RecipientField, TextField

from . import areas, formats, postcodes

FIRST_REGION = "HK"
REGIONAL = ("area", "city", "district", "postcode")  # mean something in one region only
KEPT = re.compile(r"kept_[A-Z]{2}_(area|city|district|postcode)")
LOCKER = re.compile(r"H?852[A-Z0-9]{1,10}")
TOKENS = {
    "area": "address-level1",
    "city": "address-level2",
    "district": "address-level3",
    "line1": "address-line1",
    "line2": "address-line2",
    "postcode": "postal-code",
}
HELP = {
    ("HK", "line1"): _("Street and number, with the estate or village if there is one"),
    ("HK", "line2"): _("For example Flat A, 12/F, Block 3"),
}
MAX_SHOWN = 200
LISTED = ("area", "city")  # chosen from a list where there is one
UNLISTED = "other"  # chosen in a list that does not have the place
LENGTHS = {"line1": 200, "line2": 200, "postcode": 20}


class PlaceField(forms.ChoiceField):
    """A place from a list, sent as its key; its name in either script does as well.

    No list is ever complete: what it lacks can be typed instead.
    """

    default_error_messages = {"invalid_choice": _("Please choose one from the list.")}

    def __init__(self, groups: Mapping[str, tuple[areas.Place, ...]], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = [place for group in groups.values() for place in group]
        listed = [(name, [(place.key, place.name) for place in group]) for name, group in groups.items()]
        own = (UNLISTED, _("Not in this list: type it yourself"))
        self.choices = [("", _("Please choose")), *(listed if len(listed) > 1 else listed[0][1]), own]

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value))
        place = areas.find(self.places, text)
        return place.key if place else text


class ShippingForm(forms.Form):
    """Recipient, address, delivery method and gift card. Its fields are those of the region and method."""

    region = forms.ChoiceField(
        label=_("Region"),
        choices=lazy(formats.region_choices, list),
        widget=forms.Select(attrs={"autocomplete": "country"}),
        error_messages={"invalid_choice": _("Please choose a region from the list.")},
    )
    method = forms.CharField(label=_("Delivery method"), required=False, widget=forms.RadioSelect)
    recipient = RecipientField(
        label=_("Recipient"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Please enter the name of the recipient.")},
    )
    phone = PhoneField(
        label=_("Phone"),
        max_length=40,
        help_text=_("The courier calls this number if needed."),
        error_messages={"required": _("Please enter the recipient's phone number.")},
    )
    delivery_note = TextField(
        label=_("Delivery note"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For the courier, at most 300 characters: leave it at the reception, call before …"),
    )
    is_gift = forms.BooleanField(label=_("This is a gift: no prices in the parcel"), required=False)
    card_text = TextField(
        label=_("Text of the card"),
        required=False,
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For a gift, at most 200 characters. We write it on a card by hand."),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, cart: Cart, **kwargs: Any) -> None:
        super().__init__(_completed(data) if data is not None else None, *args, **kwargs)
        self.cart = cart
        self._fit(self.data)

    def suit(self, typed: Mapping[str, Any]) -> None:
        """Show what was typed, unchecked, in the fields of the region and method that it names."""
        completed = _completed(typed, is_redraw=True)
        self._fit(completed)
        self.initial = {name: completed[name] for name in self.fields if name in completed}

    def _fit(self, typed: Mapping[str, str]) -> None:
        """Have the fields of the region and method, and only those."""
        self.typed = typed
        self.chosen_region = known_region(typed.get("region", ""))
        self.initial.setdefault("region", self.chosen_region)
        self.options = rates.options(self.chosen_region, self.cart.goods)
        self.wanted = rates.chosen(self.options, typed.get("method", ""))
        self.option = self.wanted if self.wanted.is_possible else rates.chosen(self.options, "")
        phone = self.fields["phone"]
        if isinstance(phone, PhoneField):
            phone.region = self.chosen_region
        for part in formats.PARTS:
            self.fields.pop(part, None)
        self.fields |= self._address_fields(typed.get("area", ""))
        self.order_fields(["region", "method", "recipient", "phone", *formats.PARTS])

    def _address_fields(self, area: str) -> dict[str, forms.Field]:
        if self.is_to_locker:
            return {"locker": _locker_field()}
        parts = formats.rules_for(self.chosen_region).parts
        return {
            part: _address_field(self.chosen_region, part, area, is_typed=mark_of(part) in self.typed)
            for part in parts
        }

    @property
    def is_to_locker(self) -> bool:
        return self.option.tariff.to_locker

    @property
    def address_fields(self) -> list[forms.BoundField]:
        return [self[part] for part in formats.PARTS if part in self.fields]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What was typed for another region or method: nothing of it is lost when that is chosen again."""
        parts = [part for part in ("line1", "line2", "locker") if part not in self.fields]
        names = [*parts, *(name for name in self.typed if KEPT.fullmatch(name))]
        texts = [(name, text) for name in names if (text := self.typed.get(name, ""))]
        marks = [(mark_of(part), "1") for part in LISTED if mark_of(part) in self.typed]
        return [("shape", self.chosen_region), *texts, *marks]

    @property
    def preview(self) -> list[str]:
        """The label, as far as it has been typed; empty while there is no street."""
        typed = {part: shown(self.typed.get(part, "")) for part in formats.PARTS if part in self.fields}
        if "locker" in typed:
            typed["locker"] = fold_code(typed["locker"])
        if "postcode" in typed:
            typed["postcode"] = postcodes.normalise(typed["postcode"], self.chosen_region)
        if not (typed.get("line1") or typed.get("locker")):
            return []
        recipient = shown(self.typed.get("recipient", ""))
        address = formats.named(self.chosen_region, recipient, typed)
        return formats.label(recipient=recipient, region=self.chosen_region, address=address)

    @property
    def hint(self) -> str:
        return "" if self.is_to_locker else formats.hint(self.chosen_region, self.typed)

    def delivery(self) -> dict[str, Any]:
        """What the order keeps. Only after ``is_valid()``."""
        cleaned = self.cleaned_data
        names = ("recipient", "region", "delivery_note", "is_gift", "card_text")
        typed = {part: cleaned.get(part, "") for part in formats.PARTS}
        address = formats.named(cleaned["region"], cleaned["recipient"], typed)
        phone = {"phone": cleaned["phone"].e164, "phone_extension": cleaned["phone"].extension}
        return {name: cleaned[name] for name in names} | {"address": address} | phone

    def clean_postcode(self) -> str:
        return postcodes.normalise(self.cleaned_data["postcode"], self.chosen_region)

    def clean_locker(self) -> str:
        code = fold_code(self.cleaned_data["locker"]).replace(" ", "").replace("-", "")
        if not LOCKER.fullmatch(code):
            raise forms.ValidationError(_("Please enter the code as SF shows it, e.g. H852FG83P."))
        return code

    def clean_method(self) -> str:
        code = self.cleaned_data["method"]
        if code and code not in rates.TARIFFS:
            raise forms.ValidationError(_("Please choose one of the delivery methods."))
        if self.wanted.is_too_heavy:
            raise forms.ValidationError(self._too_heavy())
        return self.option.tariff.code

    def _too_heavy(self) -> str:
        if rates.heaviest(self.options) is None:
            return gettext("This parcel is too heavy for a locker. Please choose another delivery method.")
        weights = {"weight": self.wanted.weight_g, "most": self.wanted.tariff.most_g}
        values = {name: rates.kilograms(weight) for name, weight in weights.items()}
        text = gettext(
            "This parcel weighs about %(weight)s; the carrier takes %(most)s. Please order less at once, or"
            " write to us."
        )
        return text % values

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        region = cleaned.get("region", "")
        if not region:
            return cleaned
        if not self.is_to_locker:
            self._check_address(region)
        self._check_goods(region)
        if cleaned.get("card_text") and not cleaned.get("is_gift"):
            self.add_error("card_text", _("Please tick “This is a gift” above, or empty the card."))
        return cleaned

    def _check_address(self, region: str) -> None:
        address = {part: self.cleaned_data.get(part, "") for part in formats.PARTS}
        takes_po_boxes = self.option.tariff.to_po_box
        for part, message in formats.problems(region, address, takes_po_boxes=takes_po_boxes).items():
            if part not in self.errors:
                self.add_error(part, message)

    def _check_goods(self, region: str) -> None:
        everywhere = rates.refused(region, (line.variant.product for line in self.cart.goods))
        if everywhere:
            text = _(
                "We cannot send these to the chosen region: %(names)s. "
                "Please remove them or choose another region."
            )
            self.add_error("region", text % {"names": ", ".join(product.name for product in everywhere)})
        elif self.wanted.refused and "method" not in self.errors:
            text = _("These cannot be sent this way: %(names)s. Please choose another delivery method.")
            names = ", ".join(product.name for product in self.wanted.refused)
            self.add_error("method", text % {"names": names})


def known_region(text: str) -> str:
    """The region of this code, or the first of our own."""
    return text if formats.is_region(text) else FIRST_REGION


def shown(text: str) -> str:
    """Typed text as one printable line of a label, however it came in."""
    return " ".join(UNREADABLE.sub("", clean(text)).split())[:MAX_SHOWN]


def _completed(typed: Mapping[str, Any], *, is_redraw: bool = False) -> dict[str, str]:
    """What was typed, with what follows from it: a district's area and postcode, places by their keys; where
    they are typed, by their names.

    Fields that were made for another region than the one chosen now (``shape``) are put aside, and those put
    aside for this one come back.
    """
    fields = {name: str(typed.get(name) or "") for name in typed}
    region, shape = known_region(fields.get("region", "")), fields.get("shape", "")
    if is_redraw:
        fields["region"] = region
    if shape and shape != region:
        for part in REGIONAL:
            fields[f"kept_{shape}_{part}"] = fields.pop(part, "")
            fields[part] = fields.pop(f"kept_{region}_{part}", "")
            fields.pop(mark_of(part), None)
    for part in LISTED:
        if fields.get(part) == UNLISTED:
            fields |= {part: "", mark_of(part): "1"}
        elif not fields.get(part, "").strip():
            fields.pop(mark_of(part), None)  # the way back to the list
    area, district = areas.locate(region, fields.get("area", ""), fields.get("city", ""))
    if area and "area" in formats.rules_for(region).parts:
        fields["area"] = area.name if mark_of("area") in fields else area.key
    if district:
        fields["city"] = district.name if mark_of("city") in fields else district.key
        postcode = fold(fields.get("postcode", ""))
        is_stale = is_redraw and len(postcode) == 3 and postcode != district.postcode
        if district.postcode and (not postcode or is_stale):
            fields["postcode"] = district.postcode
    return fields


def unlisted_marks(region: str, address: Mapping[str, str]) -> dict[str, str]:
    """Have the places of this address that are in no list drawn as typed ones."""
    known = dict(zip(LISTED, areas.locate(region, *(address.get(part, "") for part in LISTED)), strict=True))
    return {mark_of(part): "1" for part in LISTED if address.get(part) and not known[part]}


def mark_of(part: str) -> str:
    """The name that says, where it is sent, that the part is typed instead of chosen."""
    return f"typed_{part}"


def _address_field(region: str, part: str, area: str, *, is_typed: bool) -> forms.Field:
    arguments: dict[str, Any] = {
        "label": formats.label_of(region, part),
        "required": formats.is_required(region, part, area),
        "error_messages": {"required": formats.MISSING[part]} if part in formats.MISSING else {},
        "help_text": _help(region, part),
    }
    groups = _groups(region, part, area)
    if groups and not is_typed:
        if part == "city":
            arguments["error_messages"]["invalid_choice"] = _(
                "Please choose a district of the chosen area from the list."
            )
        return PlaceField(groups, widget=forms.Select(attrs={"autocomplete": TOKENS[part]}), **arguments)
    if groups:
        arguments["help_text"] = _(
            "As it is written on letters. Leave it empty to choose from the list again."
        )
    typed = forms.TextInput(attrs={"autocomplete": TOKENS[part]})
    kind = CodeField if part == "postcode" else LabelField
    return kind(max_length=LENGTHS.get(part, 100), widget=typed, **arguments)


def _groups(region: str, part: str, area: str) -> dict[str, tuple[areas.Place, ...]]:
    if part == "area":
        known = areas.areas(region)
        return {"": known} if known else {}
    return formats.districts(region, area) if part == "city" else {}


def _help(region: str, part: str) -> Promise | str:
    example = "".join(formats.rules_for(region).postcode_examples[:1]) if part == "postcode" else ""
    if region == "TW" and part == "postcode":
        return _("3, 5 or 6 digits. Left empty, we take the three digits of the district.")
    return gettext("For example %(code)s") % {"code": example} if example else HELP.get((region, part), "")


def _locker_field() -> forms.Field:
    return CodeField(
        label=_("Code of the locker"),
        max_length=20,
        help_text=_("As SF shows it, e.g. H852FG83P. SF sends the pick-up code to the phone number above."),
        error_messages={"required": formats.MISSING["locker"]},
    )
