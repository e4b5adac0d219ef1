"""What form fields take as it comes, and what they refuse by name."""

from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import override

from shop.typed_values.fields import (
    AmountField,
    CodeField,
    DayField,
    EmailField,
    LabelField,
    LineField,
    NameField,
    RecipientField,
    TextField,
    WholeNumberField,
)

TAKEN = ["李", "𠮷田 𨋢", "\U000323b0田", "O’Brien", "محمد علي", "ชื่อ", "एक\u200dक"]


def message_of(field, text):
    with pytest.raises(ValidationError) as refused:
        field.clean(text)
    return refused.value.messages[0]


def test_names_of_every_script_are_taken_and_what_prints_as_nothing_is_refused_by_name():
    for field in (LineField(), LabelField(), TextField()):
        assert [field.clean(text) for text in TAKEN] == TAKEN
        for character, name in (("\ue3a1", "U+E3A1"), ("\U000f0000", "U+F0000"), ("\u0378", "U+0378")):
            assert f"The character {name} after “陳大” prints as an empty box" in message_of(
                field, f"陳大{character}文"
            )
        assert "The character U+E000 prints" in message_of(field, "\ue000")
        assert "The character U+0092 after “it” cannot be read" in message_of(field, "it\x92s")
        assert "cannot be read" in message_of(field, "\ufffd")


def test_what_is_pasted_along_unseen_is_left_out():
    """Dictation leaves U+FFFC behind, Word controls; an invisible letter (U+3164) is no name."""
    unseen = ("\ufffc", "\x03", "\x00", "\x7f", "\ufff9", "\u206a", "\u3164", "\ufeff")
    for field in (LineField(), LabelField(), TextField()):
        read = {mark: field.clean(f"陳{mark}大文{mark}") for mark in unseen}
        assert read == dict.fromkeys(unseen, "陳大文")
        with pytest.raises(ValidationError, match="required"):
            field.clean("\ufffc\u3164")
    ends = ("\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\r", "\r\n")
    assert {end: TextField().clean(f"一{end}二") for end in ends} == dict.fromkeys(ends, "一\n二")


def test_characters_that_only_look_like_others_are_the_ordinary_ones():
    """As PDF viewers copy them: radicals of the Kangxi dictionary, accents apart from their letters."""
    for field in (LineField(), LabelField(), TextField()):
        assert field.clean("陳⼤⽂⻑⾦⻘⻓⺠") == "陳大文長金青长民"
        assert field.clean("Jose\u0301 Nu\u0301n\u0303ez 가") == "José Núñez 가"
        kept = "神\ufa19 﨑 ㈱ Ｍｅｉ ﾔﾏﾀﾞ 葛\U000e0100"  # another form of a name is that name
        assert field.clean(kept) == kept


def test_emoji_are_refused_on_labels_only():
    assert "Emoji cannot be printed" in message_of(LabelField(), "Mei 🌸")
    assert [field.clean("Mei 🌸") for field in (LineField(), TextField())] == ["Mei 🌸"] * 2


def test_a_label_says_something_and_is_no_e_mail_address():
    for text in ("-", "--", ".", "?", "…", "／"):
        for field in (LabelField(), NameField(), RecipientField()):
            assert "Please write this in letters or digits" in message_of(field, text)
    for text in ("mei@example.com", "Mei <mei@example.com>", "mei＠example．com"):
        for field in (LabelField(), NameField(), RecipientField()):
            assert "is an e-mail address" in message_of(field, text)
    assert LabelField().clean("12") == "12"


def test_a_name_has_letters():
    for text in ("12345", "+852 9123 4567", "6250 9300 0000 0002", "１２３"):
        for field in (NameField(), RecipientField()):
            assert "is no name. Please enter one such as Chan Tai Man" in message_of(field, text)
    taken = ["O", "Li E", "3M", "李", "D’Arcy O'Brien", "陳大文 @ 公司", "ᏣᎳᎩ", "ชื่อ", "Mei (2/F)"]
    for field in (NameField(), RecipientField()):
        assert [field.clean(text) for text in taken] == taken
    assert NameField().clean("Mei 🌸") == "Mei 🌸"
    assert "Emoji" in message_of(RecipientField(), "Mei 🌸")


def test_a_line_end_counts_once_as_in_the_browser():
    text = "一二\r\n" * 4 + "三"
    assert TextField(max_length=13).clean(text) == "一二\n" * 4 + "三"
    assert "at most 12" in message_of(TextField(max_length=12), text)


def test_numbers_and_days_are_read_as_written_and_refused_with_an_example():
    assert AmountField(max_digits=12, decimal_places=2).clean("HK$１,250.00") == Decimal(1250)
    assert WholeNumberField(min_value=-5).clean("－３") == -3
    assert str(DayField().clean("2026年12月1日")) == "2026-12-01"
    assert (
        message_of(AmountField(), "12,50") == "“12,50” is not clear. Please enter an amount such as 1250.00."
    )
    assert "is no whole number. Please enter digits" in message_of(WholeNumberField(), "zwölf")
    assert "year first, for example 2026-12-01" in message_of(DayField(), "1st of May")
    assert "Please enter 0 or more." in message_of(WholeNumberField(min_value=0), "-1")


def test_a_number_is_never_typed_into_a_browsers_number_field():
    """Chromium makes 1250 of 12,50 there, and the wheel of the mouse turns it: the shop never hears of it."""
    for widget in (None, forms.NumberInput, forms.NumberInput(attrs={"step": "any"})):
        given = {"widget": widget} if widget else {}
        for field in (AmountField(**given), WholeNumberField(**given)):
            assert field.widget.input_type == "text"
            assert "number" in field.widget.attrs["class"]
    assert WholeNumberField(min_value=0).widget.attrs["inputmode"] == "numeric"
    assert "inputmode" not in WholeNumberField(min_value=-5).widget.attrs  # its keys have no minus
    assert "inputmode" not in AmountField().widget.attrs
    assert AmountField(min_value=0).widget.attrs["inputmode"] == "decimal"


def test_signs_that_mean_something_else_are_not_overlooked():
    for text in ("US$168", "¥168", "USD 168", "5%", "168元/盒", "€5"):
        assert "is not clear" in message_of(AmountField(), text), text
    for text in ("HK$10.00", "10元", "5%", "$3"):
        assert "is no whole number" in message_of(WholeNumberField(), text), text
    assert WholeNumberField(unit="%").clean("10 ％") == 10
    assert WholeNumberField(unit="g").clean("500 G") == 500
    assert "is no whole number" in message_of(WholeNumberField(unit="g"), "0.5kg")


def test_a_day_that_could_be_two_or_is_none_is_told_as_such():
    for text in ("15 Dec 2026", "Dec 15, 2026", "15-Dec-2026", "15 December 2026", "Tue, 15 Dec. 2026"):
        assert str(DayField().clean(text)) == "2026-12-15", text
    for language in ("en", "zh-hant"):
        with override(language):
            for text in ("1/12/2026", "5.12.2026", "5/12/26"):
                message = message_of(DayField(), text)
                assert text in message, text
                assert "2026-" in message, text
    assert message_of(DayField(), "1/12/2026") == (
        "“1/12/2026” may be two days. Please enter 2026-12-01 or 2026-01-12."
    )
    assert "This month has 28 days. Please check the date." in message_of(DayField(), "2027-02-29")


def test_what_word_and_powerpoint_put_between_lines_are_line_ends():
    assert TextField().clean("一\x0b二\x0c三\u2028四\u2029五\x85六") == "一\n二\n三\n四\n五\n六"
    assert LineField().clean("一\x0b二\u2028三") == "一 二 三"


def test_the_bullets_of_word_are_the_ones_that_it_shows():
    assert TextField().clean("\uf0b7\t床頭\n\uf0d8 門\n\uf0fc 灶") == "•\t床頭\n➢ 門\n✓ 灶"
    assert LineField().clean("\uf0b7 床頭") == "• 床頭"


def test_a_browser_never_cuts_off_what_is_pasted():
    """``maxlength`` drops the rest without a word; the server says by how much the text is too long."""
    for field in (LineField(max_length=5), LabelField(max_length=5), TextField(max_length=5),
                  CodeField(max_length=5), EmailField(max_length=5)):  # fmt: skip
        assert "maxlength" not in field.widget.attrs
    assert "at most 5" in message_of(LineField(max_length=5), "abcdef")
