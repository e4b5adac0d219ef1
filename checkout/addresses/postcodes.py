"""Postcodes as people write them, in the form that their country prints."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from shop.typed_values.characters import fold_code

from . import formats

_COUNTRY_LETTERS = re.compile(r"[A-Z]{1,4}[ -]?(?=\d)")  # L-1234, CH-8001: as senders abroad write them
_AROUND = re.compile(r"^[^A-Z0-9]+|[^A-Z0-9]+$")  # 〒, a full stop
# Letters and digits that are taken for each other, in groups of the pattern that admits only one of them.
_ALIKE = {"O": "O0", "0": "0O", "I": "I1", "1": "1I", "L": "L1"}
MAX_ALIKE = 5  # symbols that could be either
MAX_LENGTH = 12
_SEPARATORS = re.compile(r"[ -]")


def normalise(text: str, region: str) -> str:
    """Return the postcode as the region prints it; what fits no postcode there comes back folded."""
    folded = _AROUND.sub("", fold_code(text))
    rules = formats.rules_for(region)
    if rules.postcode is None:
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
    bare = _SEPARATORS.sub("", folded)
    without_country = _SEPARATORS.sub("", _COUNTRY_LETTERS.sub("", folded, count=1))
    for compact in (bare, without_country):
        for example in examples:
            yield from _shaped(compact, example)
            if example.startswith(region):  # LV-1010; other letters name a town, and are not to be guessed
                yield from _shaped(f"{region}{compact}", example)
    yield from (folded, bare, without_country)


def _shaped(compact: str, example: str) -> Iterator[str]:
    """The symbols with blanks and hyphens where the example has them, if there are as many."""
    if len(_SEPARATORS.sub("", example)) == len(compact):
        symbols = iter(compact)
        yield "".join(sign if _SEPARATORS.match(sign) else next(symbols) for sign in example)
