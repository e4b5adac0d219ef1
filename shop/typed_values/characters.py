"""The characters of typed values: what is seen, how wide it is, and what a label could not print."""

import functools
import re
import unicodedata
from typing import Literal

# Pasted along unseen, meaning nothing here: marks of writing direction, zero-width spaces, soft hyphens, byte
# order marks, controls; what dictation leaves behind (U+FFFC), and letters that are invisible (U+3164). The
# joiners of scripts and pictures (U+200C, U+200D) mean something and stay.
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff9-\ufffc]"
)
JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff]")  # and selectors of a form, and tags
LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")  # Word's Shift-Enter is U+000B
# Controls that no keyboard gives (an apostrophe of Windows-1252 reads so), halves of surrogate pairs, and
# what stands for a character that could not be read.
UNREADABLE = re.compile("[\x80-\x84\x86-\x9f\ud800-\udfff\ufffd]")
PICTURES = re.compile("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]")
# Planes of Han characters. Unicode goes on assigning some there, for rare names above all, and fonts follow
# sooner than Python's table does.
HAN_PLANES = range(0x20000, 0x3FFFE)
# A minus, Japanese length marks and a line to draw boxes with: input methods give any of them for a dash.
_DASH_LIKE = "\u2212\u30fc\uff70\u2500"
# Radicals of dictionaries, which PDF viewers copy for the characters that look alike. Kangxi's are known to
# Python; of the later ones (EquivalentUnifiedIdeograph.txt of Unicode) those that are whole characters.
_RADICALS = str.maketrans(
    {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)}
    | dict(
        zip(
            "⺟⺠⺬⻁⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻲⻳",
            "母民示虎西见角贝车長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙亀龟",
            strict=True,
        )
    )
)
# Word's bullets: it pastes the place that they have in its own fonts, Symbol and Wingdings.
_WORDS_SIGNS = str.maketrans(
    {
        "\uf0b7": "•", "\uf0a7": "▪", "\uf0d8": "➢", "\uf0fc": "✓", "\uf06c": "●", "\uf06e": "■",
        "\uf06f": "□", "\uf071": "❑", "\uf075": "◆", "\uf076": "❖", "\uf0e0": "→", "\uf0e8": "➔",
        "\uf0fe": "☑", "\uf0fb": "✗",
    }
)  # fmt: skip
# Forms of a character that mean one person's name; composing would make the common form of them.
_NOT_OF_A_NAME = re.compile("[^\uf900-\ufaff\U0002f800-\U0002fa1f]+")


MARKS_TOGETHER = 12  # on one letter: more than any word we know of has


def normalize(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
    """Return the text in a normal form, in a time that grows with its length alone.

    Python sorts the marks on a letter by insertion, all threads waiting: 80 kB of nothing else take seconds,
    1 MB minutes. What exceeds ``MARKS_TOGETHER`` on one letter is dropped.
    """
    few = text if text.isascii() or len(text) <= MARKS_TOGETHER else _too_many_marks().sub(r"\1", text)
    return unicodedata.normalize(form, few)


@functools.cache
def _too_many_marks() -> re.Pattern[str]:
    """Runs of what becomes marks in a normal form: some, such as U+FF9E and U+0F73, are no marks before."""
    near, far = (
        "".join(chr(number) for number in numbers if _begins_with_mark(chr(number)))
        for numbers in (range(0x300, 0xD800), range(0xF900, 0x20000))
    )
    mark = f"(?:[{near}]|(?=[\uf900-\U0001ffff])[{far}])"  # apart: the engine is slow in the latter
    return re.compile(f"({mark}{{{MARKS_TOGETHER}}}){mark}+")


def _begins_with_mark(sign: str) -> bool:
    return unicodedata.combining(unicodedata.normalize("NFKD", sign)[0]) > 0


def fold(text: str) -> str:
    """Return the text in ordinary width, without unseen marks and outer blanks.

    Full-width digits and letters, as Chinese keyboards type them, become ordinary ones.
    """
    return normalize("NFKC", JOINERS.sub("", UNSEEN.sub("", text))).strip()


def clean(text: str) -> str:
    """Return free text as it is meant: no unseen marks, ordinary characters, letters with their accents."""
    plain = LINE_END.sub("\n", UNSEEN.sub("", text)).translate(_RADICALS | _WORDS_SIGNS)
    return _NOT_OF_A_NAME.sub(lambda part: normalize("NFC", part.group()), plain)


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
