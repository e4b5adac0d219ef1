"""Which parts an address has in each region, and the order in which they are printed on a label."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_countries import countries

PARTS = ("area", "city", "line1", "line2", "postcode")


@dataclass(frozen=True)
class Rules:
    """Which parts must be given; ``postcode`` is a pattern, or None where the region has no postcodes."""

    required: frozenset[str]
    postcode: str | None
    postcode_hint: Promise | None = None


MISSING = {
    "line1": _("Please enter the street, building and floor."),
    "city": _("Please enter the district or city."),
    "area": _("Please enter the area, county or province."),
    "postcode": _("Please enter the postcode."),
}
_EVERYWHERE = frozenset({"line1", "city"})
RULES = {
    "HK": Rules(frozenset({"line1", "city", "area"}), None),
    "MO": Rules(frozenset({"line1"}), None),
    "TW": Rules(_EVERYWHERE | {"area", "postcode"}, r"\d{3}(\d{2,3})?", _("3, 5 or 6 digits, e.g. 106")),
    "CN": Rules(_EVERYWHERE | {"area", "postcode"}, r"\d{6}", _("6 digits, e.g. 510000")),
}
_OVERSEAS = Rules(_EVERYWHERE, r"[A-Za-z0-9][A-Za-z0-9 -]{1,9}", _("letters and digits, e.g. SW1A 1AA"))


def rules_for(region: str) -> Rules:
    return RULES.get(region, _OVERSEAS)


def region_choices() -> list[tuple[str, str]]:
    """Our own four first, then every other country by name, in the reader's language."""
    near = [
        ("HK", str(_("Hong Kong"))),
        ("MO", str(_("Macau"))),
        ("TW", str(_("Taiwan"))),
        ("CN", str(_("Mainland China"))),
    ]
    return near + [(code, str(name)) for code, name in countries if code not in RULES]


def region_name(region: str) -> str:
    return dict(region_choices()).get(region, region)


def problems(region: str, address: Mapping[str, str]) -> dict[str, Promise]:
    """Part -> what is wrong with it and how to mend it."""
    rules = rules_for(region)
    found: dict[str, Promise] = {}
    for part in rules.required:
        if not address.get(part):
            found[part] = MISSING[part]
    postcode = address.get("postcode", "")
    if postcode and rules.postcode is None:
        found["postcode"] = _("This region has no postcodes; please leave the field empty.")
    elif postcode and rules.postcode and not re.fullmatch(rules.postcode, postcode):
        found["postcode"] = _("This does not look like a postcode of the chosen region.")
    return found


def label(*, recipient: str, region: str, address: Mapping[str, str]) -> list[str]:
    """The lines of the label: largest part first where Chinese addresses do so, else smallest first."""
    part = {name: address.get(name, "") for name in PARTS}
    if region in RULES and any("\u4e00" <= char <= "\u9fff" for char in part["line1"]):
        place = f"{part['postcode']} {part['area']}{part['city']}".strip()
        lines = [region_name(region), place, part["line1"], part["line2"], recipient]
    else:
        place = ", ".join(text for text in (part["city"], part["area"]) if text)
        lines = [
            recipient,
            part["line2"],
            part["line1"],
            f"{place} {part['postcode']}".strip(),
            region_name(region),
        ]
    return [line for line in lines if line]
