"""The order key, read out."""

import pytest
from django.utils import translation

from checkout.tests.scenes import placed_in
from consulting import key_format
from consulting.keys import spoken_form


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["W as in Whisky", "W as in Whisky", "Z as in Zulu", "two"]),
        ("zh-hant", ["Whisky的W", "Whisky的W", "Zulu的Z", "二"]),
    ],
)
def test_letters_have_a_word_and_digits_are_named(language, words):
    with translation.override(language):
        groups = spoken_form.aloud("WWZ29T3W4T4XMJGQ4A2X")
    assert groups[0] == ("WWZ2", words)
    assert [group for group, _words in groups] == key_format.groups("WWZ29T3W4T4XMJGQ4A2X")


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_every_symbol_is_read_out_in_its_own_way(language):
    with translation.override(language):
        words = [spoken_form.word(symbol) for symbol in key_format.ALPHABET]
    assert len(set(words)) == 32
    for symbol, word in zip(key_format.ALPHABET, words, strict=True):
        assert symbol.isdigit() or f"{symbol}" in word


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_the_confirmation_page_tells_how_the_key_is_read_out(client, order, key, language):
    address = order.get_absolute_url().replace("/en/", f"/{language}/")
    placed_in(client, order)
    page = client.get(address).content.decode()
    with translation.override(language):
        for group in spoken_form.aloud(key_format.parse(key)):
            assert group[1][0] in page
    stranger = type(client)().get(address).content.decode()
    assert "key-aloud" not in stranger
