"""Order numbers as people type them, read out and mistype them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from checkout import order_numbers

symbols = st.sampled_from(order_numbers.ALPHABET)


@st.composite
def made(draw):
    """A number with any body."""
    body = "".join(draw(st.lists(symbols, min_size=7, max_size=7)))
    text = body + order_numbers._check_symbol(body)
    return f"{text[:4]}-{text[4:]}"


def test_every_new_number_is_read_as_it_is_written():
    for _ in range(200):
        number = order_numbers.new_number()
        assert order_numbers.parse(number) == number


@given(made(), st.integers(0, 7), symbols)
def test_every_single_wrong_symbol_is_noticed(number, place, other):
    typed = list(number.replace("-", ""))
    assume(typed[place] != other)
    typed[place] = other
    with pytest.raises(order_numbers.TypingError):
        order_numbers.parse("".join(typed))


@given(made(), st.data())
def test_how_a_number_is_typed_does_not_matter(number, data):
    """Lower case, full-width forms, look-alikes, spaces and dashes anywhere."""
    typed = ""
    for symbol in number.replace("-", ""):
        looks = {"0": "0OoＯ０", "1": "1IiLlＬ１ｌ"}.get(symbol, symbol)
        shown = data.draw(st.sampled_from(looks))
        wide = chr(ord(shown) + 0xFEE0) if shown.isascii() else shown
        typed += data.draw(st.sampled_from([shown, shown.lower(), wide]))
        typed += data.draw(st.sampled_from(["", " ", "-", "－", "–", "\u3000", "\u200b"]))
    assert order_numbers.parse(typed) == number


def test_a_number_that_is_pasted_with_its_label_is_read(monkeypatch):
    drawn = iter("CGYGHMZ" + "CGYGHM7")  # letters alone would look like a word: the next ones are taken
    monkeypatch.setattr(order_numbers, "choice", lambda _: next(drawn))
    number = order_numbers.new_number()
    assert number.startswith("CGYG-HM7")
    for text in ("訂單編號：{}", "訂單編號 {}", "訂單{}", "Order number {}", "Order no.: {}", "Order #{}。"):
        for shown in (number, number.replace("-", "").lower(), number.replace("-", " ")):
            assert order_numbers.parse(text.format(shown)) == number, text


@pytest.mark.parametrize("text", ["", "A7K3", "U7K3-92QM", "A7K3-92QM-A7K3", "訂單", "\0" * 8, "a" * 5000])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(order_numbers.TypingError):
        order_numbers.parse(text)


def test_a_number_is_found_among_the_words_that_are_pasted_with_it():
    number = order_numbers.new_number()
    for words in (
        "Order {}", "Order confirmation {}", "Order No. {}", "Fwd: Cloud Inkstone: Order confirmation {}",
        "訂單編號 {}", "訂單編號：{}（已付款）", "訂單{}", "{} – confirmed", "https://shop.example/orders/{}",
        "{}\ufffc", "{0}, {0}", "{0}{0}",
    ):  # fmt: skip
        assert order_numbers.parse(words.format(number)) == number, words
    with pytest.raises(order_numbers.TypingError):
        order_numbers.parse(f"{number} or {order_numbers.new_number()}")


def test_how_many_symbols_were_typed_is_told():
    swapped = "Order 7AK3-92QM"  # one that has a mistake, among words that are none of its symbols
    for text, count in (("A7K3", 4), ("ORDER", 5), ("JAE1-P8D4-JAE1-P8D4-JAE1", 20), (swapped, 8)):
        with pytest.raises(order_numbers.TypingError) as refused:
            order_numbers.parse(text)
        assert refused.value.length == count
