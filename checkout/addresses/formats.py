"""Which parts an address has in each region, and the order in which they are printed on a label.

Formats are written as in Google's address data: %N recipient, %A street, %D part of a city, %C city or
district, %S area, county, state or province, %Z postcode, %n next line.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, override, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from . import areas, countries
from .areas import CJK, Place

PARTS = ("area", "city", "district", "line1", "line2", "postcode", "locker")
PART_OF = {"S": "area", "C": "city", "D": "district", "Z": "postcode"}
# What speaks of a flat, room or floor, in either script.
FLAT = re.compile(
    r"樓|室|座|號舖|地下|單位|\b(flat|floor|room|unit|suite|shop|house|g/f|rm|blk|block)\b|\d\s*/\s*f\b|\bflr?\b",
    re.IGNORECASE,
)
PO_BOX = re.compile(
    r"\bp\.?\s*o\.?\s*box\b|\bpost(?:al)?\s+(?:office\s+)?box\b|\bg\.?p\.?o\.?\s+box\b|\bpostfach\b|\bapartado\s+\d"
    r"|\bbo[iî]te\s+postale\b|郵政信箱|郵箱|郵局.{0,6}信箱|信箱\s*\d+\s*號|私書箱",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rules:
    """The parts of an address in the order of the form, and how they print in each script.

    ``postcode`` is a pattern, or None where the region has no postcodes. ``upper``: parts in capitals.
    """

    parts: tuple[str, ...]
    required: frozenset[str]
    han: str
    latin: str
    postcode: re.Pattern[str] | None = None
    postcode_examples: tuple[str, ...] = ()
    labels: Mapping[str, Promise] = field(default_factory=dict)
    upper: frozenset[str] = frozenset()


_LABELS: dict[str, Promise] = {
    "area": _("Province"),
    "city": _("City"),
    "district": _("District"),
    "line1": _("Street address"),
    "line2": _("Building, floor, flat"),
    "postcode": _("Postcode"),
}
_TYPES: dict[str, Promise] = {  # as Google's address data calls them
    "area": _("Area"),
    "county": _("County"),
    "department": _("Department"),
    "district": _("District"),
    "do_si": _("Province or city"),
    "eircode": _("Eircode"),
    "emirate": _("Emirate"),
    "island": _("Island"),
    "neighborhood": _("Neighbourhood"),
    "oblast": _("Oblast"),
    "parish": _("Parish"),
    "pin": _("PIN code"),
    "post_town": _("Town or city"),
    "prefecture": _("Prefecture"),
    "state": pgettext_lazy("in an address", "State"),
    "suburb": _("Suburb"),
    "townland": _("Townland"),
    "village_township": _("Village or township"),
    "zip": _("ZIP code"),
}
_COUNTY: dict[str, Promise] = {"area": _("County or city"), "city": _("District or township")}
MISSING = {
    "area": _("Please enter the area, county or province."),
    "city": _("Please enter the district or city."),
    "district": _("Please enter the district."),
    "line1": _("Please enter the street, building and floor."),
    "postcode": _("Please enter the postcode."),
    "locker": _("Please enter the code of the locker."),
}
_OWN = {
    "HK": Rules(
        ("area", "city", "line1", "line2"),
        frozenset({"area", "city", "line1"}),
        han="%S%C%n%A%n%N",
        latin="%N%n%A%n%C, %S",
        labels={"area": _("Area"), "city": _("District")},
    ),
    "MO": Rules(
        ("city", "line1", "line2"),
        frozenset({"city", "line1"}),
        han="%S%C%n%A%n%N",
        latin="%N%n%A%n%C, %S",
        labels={"city": _("Parish")},
    ),
    "TW": Rules(
        ("area", "city", "line1", "line2", "postcode"),
        frozenset({"area", "city", "line1", "postcode"}),
        han="%Z %S%C%n%A%n%N",
        latin="%N%n%A%n%C, %S %Z",
        postcode=re.compile(r"\d{3}(\d{2,3})?", re.ASCII),
        postcode_examples=("106", "10617", "106409"),
        labels=_COUNTY,
    ),
    "CN": Rules(
        ("area", "city", "district", "line1", "line2", "postcode"),
        frozenset({"area", "city", "line1", "postcode"}),  # Dongguan and Zhongshan have no districts
        han="%Z %S%C%D%n%A%n%N",
        latin="%N%n%A%n%D, %C%n%S %Z",
        postcode=re.compile(r"\d{6}", re.ASCII),
        postcode_examples=("518000",),
    ),
}
_LARGEST_FIRST = "%Z %S%C%D%n%A%n%N"
_POSTCODE_WANTED = {"TH"}  # by PayPal, though the post delivers without
_OUTLYING = "%N%n%A%n%C"  # a country nothing is known of


def rules_for(region: str) -> Rules:
    return _OWN.get(region) or _overseas(region)


@cache
def _overseas(region: str) -> Rules:
    data = areas.country(region)
    format_ = data.get("fmt", _OUTLYING)
    latin = data.get("lfmt", format_)
    required = data.get("require", "AC") + ("Z" if region in _POSTCODE_WANTED else "")
    codes = [code for code in "SCD" if f"%{code}" in format_ + latin]
    parts = [PART_OF[code] for code in codes] + ["line1", "line2"]
    has_postcode = "%Z" in format_
    return Rules(
        tuple([*parts, "postcode"] if has_postcode else parts),
        frozenset(PART_OF.get(code, "line1") for code in required if code in "ASCDZ"),
        han=format_ if CJK.match(data.get("sub_keys", "")) else _LARGEST_FIRST,
        latin=latin,
        postcode=re.compile(data["zip"], re.ASCII) if has_postcode and "zip" in data else None,
        postcode_examples=tuple(data["zipex"].split(",")) if data.get("zipex") else (),
        labels=dict(_labels_of_country(data)),
        upper=frozenset(PART_OF[code] for code in data.get("upper", "C") if code in PART_OF),
    )


def _labels_of_country(data: Mapping[str, str]) -> Iterator[tuple[str, Promise]]:
    kinds = {
        "area": "state_name_type",
        "city": "locality_name_type",
        "district": "sublocality_name_type",
        "postcode": "zip_name_type",
    }
    for part, kind in kinds.items():
        if data.get(kind) in _TYPES:
            yield part, _TYPES[data[kind]]


def label_of(region: str, part: str) -> Promise:
    """What the part is called in the region: state, province, prefecture …"""
    return rules_for(region).labels.get(part, _LABELS[part])


def is_required(region: str, part: str, area: str = "") -> bool:
    """A municipality such as Shanghai is its own city."""
    if region == "CN" and part == "city":
        chosen = areas.find(areas.areas(region), area)
        if chosen and chosen.key in {"Beijing", "Shanghai", "Tianjin", "Chongqing"}:
            return False
    return part in rules_for(region).required


def is_region(code: str) -> bool:
    return code in countries.CODES


def region_choices() -> list[tuple[str, str]]:
    """Our own four first, then every other country, in the reader's language."""
    return countries.choices()


def region_name(region: str) -> str:
    return countries.name(region)


def districts(region: str, area: str) -> dict[str, tuple[Place, ...]]:
    """Where districts are chosen from a list: those of the area, or of every area while none is known."""
    listed = areas.areas(region) if region in areas.BUNDLED else ()
    known = areas.find(listed, area)
    return {place.name: place.inside for place in ([known] if known else listed) if place.inside}


def named(region: str, recipient: str, typed: Mapping[str, str]) -> dict[str, str]:
    """The address with its places named in the script of the street, as the label prints them."""
    address = {part: typed.get(part, "") for part in PARTS}
    han = is_han(address, recipient)
    area, district = areas.locate(region, address["area"], address["city"])
    if area:
        address["area"] = area.printed(han=han)
    if district:
        address["city"] = district.printed(han=han)
    return {part: text for part, text in address.items() if text}


def district_postcode(region: str, area: str, city: str) -> str:
    """The three digits that every postcode of a Taiwanese district begins with; empty elsewhere."""
    district = areas.locate(region, area, city)[1] if region == "TW" else None
    return district.postcode if district else ""


def problems(region: str, address: Mapping[str, str], *, takes_po_boxes: bool = False) -> dict[str, str]:
    """Part -> what is wrong with it and how to mend it."""
    messages: dict[str, str] = {}
    rules = rules_for(region)
    for part in rules.parts:
        if is_required(region, part, address.get("area", "")) and not address.get(part):
            messages[part] = str(MISSING[part])
    postcode = address.get("postcode", "")
    if postcode and rules.postcode and not rules.postcode.fullmatch(postcode):
        messages["postcode"] = _no_postcode(region, postcode, rules.postcode_examples)
    elif postcode:
        start = district_postcode(region, address.get("area", ""), address.get("city", ""))
        if not postcode.startswith(start):
            text = gettext("Postcodes of the chosen district begin with %(digits)s.")
            messages["postcode"] = text % {"digits": start}
    for part in ("line1", "line2"):
        if not takes_po_boxes and PO_BOX.search(address.get(part, "")):
            messages[part] = gettext(
                "A courier cannot deliver to a PO box. Please enter a street address where someone can sign."
            )
    return messages


def _no_postcode(region: str, postcode: str, examples: tuple[str, ...]) -> str:
    values = {"postcode": postcode, "region": region_name(region), "example": "".join(examples[:1])}
    if not examples:
        return gettext("“%(postcode)s” is no postcode of this region: %(region)s.") % values
    text = gettext(
        "“%(postcode)s” is no postcode of this region: %(region)s. There they look like %(example)s."
    )
    return text % values


def hint(region: str, address: Mapping[str, str]) -> str:
    """What may be missing from the address although it is no mistake; empty if nothing."""
    street = f"{address.get('line1', '')} {address.get('line2', '')}"
    if region == "HK" and street.strip() and not FLAT.search(street):
        return gettext("There is no floor or flat in this address. If it has one, please add it.")
    return ""


def is_han(address: Mapping[str, str], recipient: str) -> bool:
    """By the street; a house number alone, or a locker, is written like the name."""
    street = f"{address.get('line1', '')}{address.get('line2', '')}"
    return bool(CJK.search(street if any(char.isalpha() for char in street) else recipient))


def label(*, recipient: str, region: str, address: Mapping[str, str]) -> list[str]:
    """The lines of the label: largest part first in Chinese (Japanese, Korean), else smallest first."""
    part = {name: str(address.get(name) or "") for name in PARTS}
    han = is_han(part, recipient)
    with override("zh-hant" if han else "en"):
        country = countries.international_name("CN") if region == "CN" else countries.name(region)
        locker = gettext("SF locker %(code)s") % {"code": part["locker"]} if part["locker"] else ""
    if locker:
        return [country, locker, recipient] if han else [recipient, locker, country]
    rules = rules_for(region)
    if han:
        lines = _lines(rules.han, part, recipient, street=("line1", "line2"))
        return [country, *_unasked(rules.han, part), *lines]
    part |= {name: part[name].upper() for name in rules.upper}
    shown = country if region in _OWN else country.upper()
    lines = _lines(rules.latin, part, recipient, street=("line2", "line1"))
    return [*lines, *_unasked(rules.latin, part), shown]


def _unasked(format_: str, part: Mapping[str, str]) -> list[str]:
    """Parts that the region's format does not know: orders from before it asked for fewer have some."""
    return [part[name] for code, name in PART_OF.items() if part[name] and f"%{code}" not in format_]


def _lines(format_: str, part: Mapping[str, str], recipient: str, *, street: tuple[str, str]) -> list[str]:
    lines: list[str] = []
    for line in format_.replace("%A", "%n%A%n").split("%n"):
        if line == "%A":
            lines += [part[name] for name in street]
        elif "%N" in line:
            lines.append(recipient)
        else:
            lines.append(_filled(line, part))
    return [line for line in lines if line]


def _filled(line: str, part: Mapping[str, str]) -> str:
    """The line with its parts filled in; what would join an empty part goes with it."""
    text = before = ""
    for joint, code in re.findall(r"([^%]*)%(\w)", line):
        value = part.get(PART_OF.get(code, ""), "")
        if not value or value == before:  # a city that is its own province
            continue
        if code == "C" and CJK.match(before) and value.startswith(before):
            text = text.removesuffix(before)
        joins_words = text and not joint and not (CJK.search(text[-1]) and CJK.search(value[0]))
        text += (" " if joins_words else joint if text else joint.lstrip(" ,-/")) + value
        before = value
    return text
