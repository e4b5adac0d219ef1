"""Postcodes as people write them, in the form that their country prints."""

import re
from collections.abc import Iterator
from functools import cache

from django_countries.data import COUNTRIES
from django_countries.fields import Country

from shop.typed_values.characters import fold, fold_code

from . import areas, formats

_BEFORE = re.compile(r"^[^A-Z0-9]+")  # 〒
_BRACKETS = re.compile(r"[()]")  # S(546080)
_SEPARATORS = re.compile(r"[ -]")
_SIGNS = {  # of its vehicles, as senders abroad write them: L-1234, SLO-1000
    "AT": "A", "BE": "B", "DE": "D", "ES": "E", "FR": "F", "GB": "UK", "GR": "EL", "HU": "H", "IT": "I",
    "JP": "J", "LI": "FL", "LU": "L", "MT": "M", "NO": "N", "PT": "P", "SE": "S", "SG": "S", "SI": "SLO",
    "SM": "RSM", "VA": "V", "XK": "RKS",
}  # fmt: skip
_POST_OF = {  # regions whose letters go through another one's post
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MC MF MQ NC PF PM RE WF YT",
    "GB": "GG IM JE",
    "IT": "SM VA",
    "NO": "SJ",
    "US": "AS FM GU MH MP PR PW VI",
}


def normalise(text: str, region: str) -> str:
    """Return the postcode as the region prints it; what fits no postcode there comes back folded."""
    folded = _BEFORE.sub("", fold_code(_BRACKETS.sub(" ", fold(text))))
    rules = formats.rules_for(region)
    if rules.postcode is None:
        return folded
    candidates = _candidates(folded, rules.postcode_examples, _signs_of(region))
    return next((each for each in candidates if rules.postcode.fullmatch(each)), folded)


def _candidates(folded: str, examples: tuple[str, ...], signs: frozenset[str]) -> Iterator[str]:
    """As it stands, and without the region's own letters before it.

    Another country's letters stay: what follows them is a postcode of that country.
    """
    for text in (folded, *_without(signs, folded)):
        compact = _SEPARATORS.sub("", text)
        for example in examples:
            letters = re.match(r"[A-Z]*", example)
            country = letters.group() if letters else ""
            yield from _shaped(compact, example)
            yield from _shaped(f"{country}{compact}", example)
        yield from (text, compact)


def _without(signs: frozenset[str], folded: str) -> Iterator[str]:
    for sign in signs:
        if folded.startswith(sign):
            yield folded[len(sign) :].lstrip(" -")


@cache
def _signs_of(region: str) -> frozenset[str]:
    """What may stand before a postcode of the region: the signs of its country, or one of its states."""
    posts = [region, *(post for post, others in _POST_OF.items() if region in others.split())]
    signs = {sign for post in posts for sign in (post, _SIGNS.get(post, ""), _three_letters(post))}
    states = {place.key.upper() for place in areas.areas(region) if place.key.isascii()}
    return frozenset(signs | states) - {""}


def _three_letters(region: str) -> str:
    return str(Country(region).alpha3) if region in COUNTRIES else ""


def _shaped(compact: str, example: str) -> Iterator[str]:
    """The symbols with blanks and hyphens where the example has them, if there are as many."""
    if len(_SEPARATORS.sub("", example)) == len(compact):
        symbols = iter(compact)
        yield "".join(sign if _SEPARATORS.match(sign) else next(symbols) for sign in example)
