"""The order key as it is read out: digits in words, letters by the words that pilots use for them."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.debug import sensitive_variables

from consulting import key_format

_DIGITS = [
    gettext_noop("zero"),
    gettext_noop("one"),
    gettext_noop("two"),
    gettext_noop("three"),
    gettext_noop("four"),
    gettext_noop("five"),
    gettext_noop("six"),
    gettext_noop("seven"),
    gettext_noop("eight"),
    gettext_noop("nine"),
]
_WORDS = (
    "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel Juliett Kilo Mike November Papa Quebec Romeo Sierra"
    " Tango Victor Whisky X-ray Yankee Zulu"
)
_LETTERS = {word[0]: word for word in _WORDS.split()}


def word(symbol: str) -> str:
    """nine, or W as in Whisky; in Chinese 九, or Whisky的W. In the active language."""
    if symbol.isdigit():
        return _(_DIGITS[int(symbol)])
    return _("%(letter)s as in %(word)s") % {"letter": symbol, "word": _LETTERS[symbol]}


@sensitive_variables()
def aloud(canonical: str) -> list[tuple[str, list[str]]]:
    """Each group of the key with the words for its symbols."""
    return [(group, [word(symbol) for symbol in group]) for group in key_format.groups(canonical)]
