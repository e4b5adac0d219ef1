"""Postcodes as people write them, in the form that their country prints."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product

from django_countries.data import COUNTRIES
from django_countries.fields import Country

from shop.typed_values.characters import fold, fold_code

from . import areas, formats

_AROUND = re.compile(r"^[^A-Z0-9]+|[^A-Z0-9]+$")  # 〒, a full stop
_BRACKETS = re.compile(r"[()]")  # S(546080)
# Letters and digits that are taken for each other, in groups of the pattern that admits only one of them.
_ALIKE = {"O": "O0", "0": "0O", "I": "I1", "1": "1I", "L": "L1"}
MAX_ALIKE = 5  # symbols that could be either
MAX_LENGTH = 12
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
    folded = _AROUND.sub("", fold_code(_BRACKETS.sub(" ", fold(text))))
    if formats.rules_for(region).postcode is None:
        return folded
    if found := next(_fitting([folded], region), ""):
        return found
    found_otherwise = list(_fitting(_misread(folded), region))
    is_clear = len({_SEPARATORS.sub("", each) for each in found_otherwise}) == 1
    return found_otherwise[0] if is_clear else folded


def _fitting(texts: Iterable[str], region: str) -> Iterator[str]:
    rules = formats.rules_for(region)
    for text in texts:
        for each in _candidates(text, region, rules.postcode_examples):
            if rules.postcode and rules.postcode.fullmatch(each):
                yield each


def _misread(folded: str) -> Iterator[str]:
    """What else the text may say: a letter O for the digit 0, an I or L for 1, and the other way round."""
    if len(folded) > MAX_LENGTH or sum(sign in _ALIKE for sign in folded) > MAX_ALIKE:
        return
    for signs in product(*(_ALIKE.get(sign, sign) for sign in folded)):
        yield "".join(signs)


def _candidates(folded: str, region: str, examples: tuple[str, ...]) -> Iterator[str]:
    """As it stands, and without the region's own letters before it.

    Another country's letters stay: what follows them is a postcode of that country.
    """
    for text in (folded, *_without(_signs_of(region), folded)):
        compact = _SEPARATORS.sub("", text)
        for example in examples:
            yield from _shaped(compact, example)
            if example.startswith(region):  # LV-1010; other letters name a town, and are not to be guessed
                yield from _shaped(f"{region}{compact}", example)
        yield from (text, compact)


def _without(signs: frozenset[str], folded: str) -> Iterator[str]:
    for sign in sorted(signs, key=lambda each: (-len(each), each)):
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
