"""The characters of typed values: what is seen, how wide it is, and what a label could not print."""

import re
import unicodedata

# Marks of writing direction, zero-width spaces, soft hyphens, byte order marks: pasted along unseen, meaning
# nothing here. The joiners of scripts and pictures (U+200C, U+200D) mean something and stay.
UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
# Controls, halves of surrogate pairs, and what stands for a character that could not be read.
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
PICTURES = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
# Planes of Han characters. Unicode goes on assigning some there, for rare names above all, and fonts follow
# sooner than Python's table does.
HAN_PLANES = range(0x20000, 0x3FFFE)
# A minus, Japanese length marks and a line to draw boxes with: input methods give any of them for a dash.
_DASH_LIKE = "\u2212\u30fc\uff70\u2500"


# What ends a line in Word, PowerPoint and on other machines: Shift+Enter, a new page, Unicode's separators.
LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
# Word's bullets: it pastes the place that they have in its own fonts, Symbol and Wingdings.
_WORDS_SIGNS = str.maketrans(
    {
        "\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf06c": "●", "\uf06e": "■",
        "\uf06f": "□", "\uf071": "❑", "\uf075": "◆", "\uf076": "❖", "\uf0e0": "→", "\uf0e8": "➔",
        "\uf0fe": "☑", "\uf0fb": "✗",
    }
)  # fmt: skip


def cleaned(text: str) -> str:
    """Return the text without unseen marks, with the signs that Word showed, every line end as \\n."""
    return LINE_ENDS.sub("\n", UNSEEN.sub("", text).translate(_WORDS_SIGNS))


def fold(text: str) -> str:
    """Return the text in ordinary width, without unseen marks and outer blanks.

    Full-width digits and letters, as Chinese keyboards type them, become ordinary ones.
    """
    return unicodedata.normalize("NFKC", JOINERS.sub("", UNSEEN.sub("", text))).strip()


def is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd" or character in _DASH_LIKE


def fold_code(text: str) -> str:
    """Return a code as it is compared: folded, in capitals, every dash a hyphen, blanks single."""
    dashed = "".join("-" if is_dash(character) else character for character in fold(text))
    return " ".join(dashed.split()).upper()


def unprintable(text: str) -> str:
    """Return the first character that prints as nothing or as a box; empty if there is none.

    Characters of private use mean something in one font only (Hong Kong's older ones have names there), and
    unassigned ones in none.
    """
    return next((character for character in text if _is_unprintable(character)), "")


def _is_unprintable(character: str) -> bool:
    if ord(character) in HAN_PLANES:
        return False
    return unicodedata.category(character) in {"Co", "Cn"}
