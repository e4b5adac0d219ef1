"""A text is brought into a normal form in a time that grows with its length, whatever is in it."""

import re
import unicodedata

import pytest
from django.conf import settings

from shop.typed_values import characters

MOST = characters.MARKS_TOGETHER
# Whose letters are their own, one by one; and a stand-in, which is none of the shop's.
OTHERS = {"shop/typed_values/characters.py", "shop/typed_values/name_variants.py"}
TESTS_AND_STAND_INS = re.compile(r"/tests/|^payments/sandbox/|^\.|/\.")


@pytest.mark.parametrize("change", [characters.fold, characters.clean], ids=lambda each: each.__name__)
def test_of_the_marks_on_one_letter_no_more_stay_than_any_script_puts_there(change):
    """Python sorts them by insertion while all threads wait: 1 MB of marks took minutes."""
    for marks in ("\u0300\u0316", "\uff9e", "\u0f73", "\U0001e94a"):
        kept = change("a" + marks * 5000 + "b")
        assert (kept[0] in "aà", kept[-1]) == (True, "b")
        assert len(kept) <= 2 + 2 * MOST
    for text in ("Nguyễn Thị Ắng", "རྒྱ་མཚོའི", "בְּרֵאשִׁית", "カ\u3099キ\u3099", "अधिकृत"):
        assert change(text) == unicodedata.normalize("NFC", text)


def test_every_character_that_becomes_a_mark_counts():
    left = [
        f"U+{number:04X}"
        for number in range(0x110000)
        if not 0xD800 <= number < 0xE000
        and unicodedata.combining(unicodedata.normalize("NFKD", chr(number))[0])
        and len(characters.normalize("NFC", chr(number) * (MOST + 20))) > 2 * MOST
    ]
    assert left == []


def test_nobody_else_brings_a_strangers_text_into_a_normal_form():
    found = {
        path
        for path in (str(file.relative_to(settings.BASE_DIR)) for file in settings.BASE_DIR.rglob("*.py"))
        if not TESTS_AND_STAND_INS.search(path)
        and "unicodedata.normalize" in (settings.BASE_DIR / path).read_text()
    }
    assert found == OTHERS
