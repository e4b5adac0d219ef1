import itertools
import random
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout import order_numbers
from consulting import key_format
from shop.tests.harness.effort import times

FEWER = settings(max_examples=times(25, 100))
BODIES = st.text(key_format.ALPHABET, min_size=19, max_size=19)


def completed(body: str) -> str:
    """The body with its check symbol, found by trying: exactly one of the 32 fits."""
    fitting = [body + symbol for symbol in key_format.ALPHABET if is_key(body + symbol)]
    assert len(fitting) == 1
    return fitting[0]


def is_key(text: str) -> bool:
    try:
        key_format.parse(text)
    except key_format.TypingError:
        return False
    return True


def test_a_new_key_has_five_groups_of_four_and_reads_back():
    for _ in range(200):
        key = key_format.make()
        assert len(key) == 20
        assert set(key) <= set(key_format.ALPHABET)
        shown = key_format.grouped(key)
        assert [len(group) for group in shown.split("-")] == [4] * 5
        assert key_format.parse(shown) == key


def test_a_new_key_is_told_from_words_wherever_it_stands(monkeypatch):
    """Letters alone would look like words: the next ones are taken."""
    drawn = iter("MAKEBREADMAKEBREADX" + "MAKEBREADMAKEBREAD7")
    monkeypatch.setattr(order_numbers, "choice", lambda _: next(drawn))
    key = key_format.make()
    assert key.startswith("MAKEBREADMAKEBREAD7")
    assert key_format.parse(f"密鑰 {key.lower()}") == key


def test_new_keys_differ_in_every_place():
    made = [key_format.make() for _ in range(500)]
    assert len(set(made)) == 500
    for place in range(20):
        assert len({key[place] for key in made}) == 32


def test_the_alphabet_has_no_look_alikes():
    assert not set("ILOU") & set(key_format.ALPHABET)
    assert len(key_format.ALPHABET) == 32


def test_no_single_error_and_no_swap_passes_in_many_random_keys(record_property):
    count, errors, swaps = times(5, 200), 0, 0
    for _ in range(count):
        key = key_format.make()
        for place, wrong in itertools.product(range(20), key_format.ALPHABET):
            if wrong != key[place]:
                errors += 1
                assert not is_key(key[:place] + wrong + key[place + 1 :])
        for one, other in itertools.combinations(range(20), 2):
            if key[one] != key[other]:
                swaps += 1
                swapped = list(key)
                swapped[one], swapped[other] = swapped[other], swapped[one]
                assert not is_key("".join(swapped))
    assert errors == count * 20 * 31
    record_property("figure", f"order keys: {errors} of {errors} errors and {swaps} of {swaps} swaps noticed")


def test_random_foldings_read_back(record_property):
    chance = random.Random(5)
    count = times(2_000, 10_000)
    for _ in range(count):
        key = key_format.make()
        typed = ""
        for symbol in key:
            shown = chance.choice(LOOK_ALIKES.get(symbol, symbol + symbol.lower()))
            typed += shown.translate(FULL_WIDTH) if chance.random() < 0.3 else shown
            typed += chance.choice(SEPARATORS) if chance.random() < 0.3 else ""
        assert key_format.parse(typed) == key
    record_property("figure", f"order keys: {count} of {count} random foldings read back")


@FEWER
@given(BODIES)
def test_every_single_wrong_symbol_is_noticed(body):
    key = completed(body)
    for place, wrong in itertools.product(range(20), key_format.ALPHABET):
        if wrong != key[place]:
            assert not is_key(key[:place] + wrong + key[place + 1 :])


@FEWER
@given(BODIES)
def test_every_swap_of_two_symbols_is_noticed(body):
    key = completed(body)
    for one, other in itertools.combinations(range(20), 2):
        swapped = list(key)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        assert is_key("".join(swapped)) == (key[one] == key[other])


@FEWER
@given(BODIES)
def test_a_lost_or_doubled_symbol_is_noticed(body):
    key = completed(body)
    for place in range(20):
        assert not is_key(key[:place] + key[place + 1 :])
        assert not is_key(key[:place] + key[place] + key[place:])


FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)})
LOOK_ALIKES = {"0": "0Oo", "1": "1IiLl"}
SEPARATORS = ["", "-", " ", "–", "—", ".", "·", "\u3000", "－", "−", "ー", "。", "\t", "\u200b", " - ", "、"]


@FEWER
@given(BODIES, st.data())
def test_the_same_key_may_be_typed_in_many_ways(body, data):
    key = completed(body)
    typed = ""
    for symbol in key:
        shown = data.draw(st.sampled_from(LOOK_ALIKES.get(symbol, symbol + symbol.lower())))
        if data.draw(st.booleans()):
            shown = shown.translate(FULL_WIDTH)
        typed += shown + data.draw(st.sampled_from(SEPARATORS))
    assert key_format.parse(f" 「{typed}」\n") == key


PASTED = [
    "訂單密鑰：{}", "訂單密鑰 {}", "訂單密鑰\n{}", "訂單密鑰∶「{}」", "您的訂單密鑰是{}。", "订单密钥：{}",
    "Order key: {}", "Order key\n{}", "order key {}", "Your order key is {}.", "KEY={}", "{}（請勿轉寄）",
]  # fmt: skip


def test_a_key_that_is_pasted_with_its_label_or_its_sentence_is_read():
    key = key_format.make()
    for shown in (key_format.grouped(key), key_format.grouped(key).lower().replace("-", " "), key):
        refused = [text for text in PASTED if not is_key(text.format(shown))]
        assert refused == []
        assert {key_format.parse(text.format(shown)) for text in PASTED} == {key}
    shown = key_format.grouped(key)
    for longer in (f"{shown}-{shown[:4]}", f"{shown[:4]}-{shown}", f"{shown}A", f"A{shown}"):
        assert not is_key(longer)


@pytest.mark.parametrize(
    "text", ["", "-", "ABCD", "U" * 20, "密鑰", "ß" * 10, "\x00", "𝟎" * 21, "9" * 100_000]
)
def test_what_cannot_be_a_key_is_a_typing_error(text):
    with pytest.raises(key_format.TypingError) as caught:
        key_format.parse(text)
    assert not text or text not in str(caught.value)


@FEWER
@given(st.text(max_size=60))
def test_any_text_is_either_a_key_or_a_typing_error(text):
    if is_key(text):
        assert is_key(key_format.parse(text))


def test_look_ups_under_different_peppers_have_nothing_in_common(settings):
    settings.ORDER_KEY_PEPPERS = ["new-pepper", "old-pepper"]
    key = key_format.make()
    newest, oldest = key_format.lookups(key)
    assert newest != oldest
    assert len(newest) == 32
    assert newest == key_format.lookup(key, "new-pepper")
    assert key_format.pepper_named(key_format.pepper_id("old-pepper")) == "old-pepper"
    assert key_format.pepper_named(key_format.pepper_id("retired")) is None
    assert "pepper" not in key_format.pepper_id("new-pepper")


def test_random_guesses_pass_the_check_one_time_in_32():
    hits = sum(is_key("".join(secrets.choice(key_format.ALPHABET) for _ in range(20))) for _ in range(6400))
    assert 120 < hits < 290


def test_a_key_is_found_among_the_words_that_are_pasted_with_it():
    key = key_format.make()
    shown = key_format.grouped(key)
    for words in (
        "Order key {}", "Your order key is {}.", "Order key: {} (please keep it)", "訂單密鑰 {}",
        "訂單密鑰{}", "{}\ufffc", "{0}{0}", "{0}\n{0}", "Order key\n{}\nThis key opens your reports",
    ):  # fmt: skip
        assert key_format.parse(words.format(shown)) == key, words
    with pytest.raises(key_format.TypingError):
        key_format.parse(f"{shown} or {key_format.grouped(key_format.make())}")
