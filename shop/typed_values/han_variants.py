"""Han characters that are one and the same: traditional, simplified, Hong Kong's, Taiwan's, Japan's.

The tables are OpenCC's (https://github.com/BYVoid/OpenCC).
"""

import re
from functools import cache

from opencc import OpenCC

# The common blocks, the compatibility characters, and the first plane of rare ones, where names have some.
_BLOCKS = (range(0x3400, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x2A6E0))
_CONVERSIONS = ("t2s", "hk2s", "tw2s", "t2hk", "jp2t")


@cache
def _variants() -> dict[str, str]:
    """Map each character that has variants to all of them, itself among them; takes half a second once."""
    characters = [chr(number) for block in _BLOCKS for number in block]
    groups: dict[str, set[str]] = {}
    for name in _CONVERSIONS:
        converted = OpenCC(name).convert("\n".join(characters)).split("\n")
        for one, other in zip(characters, converted, strict=True):
            if one != other:
                group = groups.get(one, {one}) | groups.get(other, {other})
                groups.update(dict.fromkeys(group, group))
    return {character: "".join(sorted(group)) for character, group in groups.items()}


def pattern(text: str) -> str:
    """Return a regular expression that finds the text in any script, blanks between Han characters or not.

    Python and PostgreSQL read it alike. Empty if the text has no Han character.
    """
    if not any(_is_han(character) for character in text):
        return ""
    return "".join(_character(character) for character in text)


def _character(character: str) -> str:
    if not _is_han(character):
        return character if character.isalnum() else re.escape(character)
    group = _variants().get(character, character)
    return (f"[{group}]" if len(group) > 1 else group) + " *"


def _is_han(character: str) -> bool:
    return any(ord(character) in block for block in _BLOCKS)
