"""Notes for staff: kept in English with their references, read in the language of whoever looks.

The history of an order and an alarm about money are written once, by whatever process comes first. An app
registers what its notes look like; a note of another look, and what people typed, is shown as it stands.
"""

import re

from django.utils.translation import gettext

NOTE = "note"  # the name of a part that is a note itself
_PART = re.compile(r"%\((\w+)\)s")
_notes: dict[str, re.Pattern[str]] = {}


def register(*notes: str) -> None:
    """Make these notes known: ``%(name)s`` for what differs, marked for translation by ``gettext_noop``."""
    for note in notes:
        pieces = _PART.split(note)  # text, name, text, name …
        parts = (f"(?P<{text}>.+?)" if place % 2 else re.escape(text) for place, text in enumerate(pieces))
        _notes[note] = re.compile("".join(parts), re.DOTALL)


def in_words(note: str) -> str:
    """The note in the active language."""
    return _reading(note) or note


def _reading(note: str) -> str:
    """The note in the active language; empty if it is none that is known.

    A sentence around another note comes first, if that note is known; else the most particular one.
    """
    found = [
        (known, match.groupdict()) for known, pattern in _notes.items() if (match := pattern.fullmatch(note))
    ]
    for known, parts in sorted(found, key=lambda each: (NOTE not in each[1], -len(_PART.sub("", each[0])))):
        if NOTE in parts:
            parts[NOTE] = _reading(parts[NOTE])
        if parts.get(NOTE, known):
            return gettext(known) % parts
    return ""
