"""Names as people write them down: any apostrophe, with and without accents, with what one is called by."""

import re
import unicodedata

from . import han_variants

_APOSTROPHES = "'’‘ʼ´`＇"
_ACCENTED: dict[str, str] = {}
for _number in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
    _base = unicodedata.normalize("NFD", chr(_number))[0].lower()
    if _base.isascii() and _base.isalpha():
        _ACCENTED[_base] = _ACCENTED.get(_base, _base) + chr(_number)
# What stands beside a name on the telephone, on an envelope, or in a list that was pasted.
_BESIDE = re.compile(
    r"[,;，；、\"“”]|\b(?:mr|mrs|ms|miss|dr|prof)\b\.?|(?:先生|小姐|女士|太太|太|收|啟|启)(?=\s|$)",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Return the words of a name, without what stands beside it."""
    return _BESIDE.sub(" ", text).split()


def pattern(word: str) -> str:
    """Return a regular expression that finds the word however it is written, in any script.

    Python and PostgreSQL read it alike. Empty where the word is written in one way only.
    """
    if han := han_variants.pattern(word):
        return han
    if not any(sign in _APOSTROPHES or _base_of(sign) in _ACCENTED for sign in word):
        return ""
    return "".join(_sign(sign) for sign in word)


def _sign(sign: str) -> str:
    if sign in _APOSTROPHES:
        return f"[{_APOSTROPHES}]"
    if others := _ACCENTED.get(_base_of(sign)):
        return f"[{others}]"
    return sign if sign.isalnum() else re.escape(sign)


def _base_of(sign: str) -> str:
    return unicodedata.normalize("NFD", sign)[0].lower()
