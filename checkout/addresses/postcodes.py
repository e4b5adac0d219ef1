"""Postcodes as people write them, in the form that their country prints."""

import re
from collections.abc import Iterator

from shop.typed_values.characters import fold_code

from . import formats

_COUNTRY_LETTERS = re.compile(r"[A-Z]{1,4}[ -]?(?=\d)")  # L-1234, CH-8001: as senders abroad write them
_BEFORE = re.compile(r"^[^A-Z0-9]+")  # 〒
_SEPARATORS = re.compile(r"[ -]")


def normalise(text: str, region: str) -> str:
    """Return the postcode as the region prints it; what fits no postcode there comes back folded."""
    folded = _BEFORE.sub("", fold_code(text))
    rules = formats.rules_for(region)
    if rules.postcode is None:
        return folded
    candidates = _candidates(folded, rules.postcode_examples)
    return next((each for each in candidates if rules.postcode.fullmatch(each)), folded)


def _candidates(folded: str, examples: tuple[str, ...]) -> Iterator[str]:
    bare = _SEPARATORS.sub("", folded)
    without_country = _SEPARATORS.sub("", _COUNTRY_LETTERS.sub("", folded, count=1))
    for compact in (bare, without_country):
        for example in examples:
            letters = re.match(r"[A-Z]*", example)
            country = letters.group() if letters else ""
            yield from _shaped(compact, example)
            yield from _shaped(f"{country}{compact}", example)
    yield from (folded, bare, without_country)


def _shaped(compact: str, example: str) -> Iterator[str]:
    """The symbols with blanks and hyphens where the example has them, if there are as many."""
    if len(_SEPARATORS.sub("", example)) == len(compact):
        symbols = iter(compact)
        yield "".join(sign if _SEPARATORS.match(sign) else next(symbols) for sign in example)
