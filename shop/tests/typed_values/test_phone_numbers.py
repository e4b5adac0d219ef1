"""Telephone numbers: read as they are meant, and asked about where they may mean something else."""

from django import forms
from django.utils.translation import override

from shop.typed_values import phone_numbers
from shop.typed_values.fields import PhoneField, PhoneInput
from shop.typed_values.phone_numbers import PhoneNumber

CERTAIN = {  # (region, text) -> number
    ("HK", "9123 4567"): "+85291234567",
    ("HK", "９１２３－４５６７"): "+85291234567",
    ("HK", "0086 138 0013 8000"): "+8613800138000",
    ("HK", "0085291234567"): "+85291234567",
    ("HK", "00886 912 345 678"): "+886912345678",
    ("HK", "+00852 9123 4567"): "+85291234567",
    ("HK", "001 86 138 0013 8000"): "+8613800138000",  # 001, 008, 009: carriers of Hong Kong
    ("HK", "009 86 138 0013 8000"): "+8613800138000",
    ("HK", "0044 (0)20 7946 0958"): "+442079460958",
    ("HK", "852 9123 4567"): "+85291234567",
    ("HK", "tel:+85291234567"): "+85291234567",
    ("HK", "電話：9123 4567"): "+85291234567",
    ("TW", "002 852 9123 4567"): "+85291234567",
    ("US", "00 852 9123 4567"): "+85291234567",
    ("US", "011 852 9123 4567"): "+85291234567",
}
EXTENSIONS = [
    "2881 2345 ext. 12", "2881 2345 EXT12", "2881 2345#12", "2881 2345 x 12", "28812345轉12",
    "28812345 转 12",
    "28812345 內線：12", "28812345（分機１２）", "28812345 內線 12 號", "+852-2881-2345;ext=12",
]  # fmt: skip
ELSEWHERE = {
    ("HK", "138 0013 8000"): "+8613800138000",
    ("HK", "86 13800138000"): "+8613800138000",
    ("HK", "0060 86 138 0013 8000"): "+8613800138000",
    ("HK", "0912 345 678"): "+886912345678",
    ("HK", "0755-8213 1234"): "+8675582131234",
    ("CN", "852 9123 4567"): "+85291234567",
    ("MO", "9123 4567"): "+85291234567",
}
DOUBTFUL = {
    ("HK", "4123 4567"): "+85241234567",  # as long as one, in a range that was not in use
    ("HK", "9123 4567 (陳小姐)"): "+85291234567",  # what stands behind it would be lost
    ("HK", "2881 2345 轉陳小姐"): "+85228812345",
    ("HK", "+852 852 9123 4567"): "+85291234567",  # the code from a list, and once more from the browser
    ("CN", "+86 86 138 0013 8000"): "+8613800138000",
    ("HK", "0044 44 20 7946 0958"): "+442079460958",
}


class Form(forms.Form):
    phone = PhoneField()


def test_a_number_is_read_as_it_is_meant():
    for (region, text), number in CERTAIN.items():
        reading = phone_numbers.read(text, region)
        assert (str(reading.number), reading.is_certain) == (number, True), text
    for text in EXTENSIONS:
        reading = phone_numbers.read(text, "HK")
        assert (reading.number, reading.is_certain) == (PhoneNumber("+85228812345", "12"), True), text


def test_a_number_that_may_mean_another_is_no_certain_one():
    for readings, is_elsewhere in ((ELSEWHERE, True), (DOUBTFUL, False)):
        for (region, text), number in readings.items():
            reading = phone_numbers.read(text, region)
            assert (str(reading.number), reading.is_certain, reading.is_elsewhere) == (
                number,
                False,
                is_elsewhere,
            ), text


def test_what_is_no_number_is_refused_with_what_would_be_one():
    sentences = {
        "9123 4567 / 6612 3456": "one number only",
        "9123 4567、6612 3456": "one number only",
        "abc": "with the country code if it is abroad",
        "12": "with the country code if it is abroad",
        "轉12": "with the country code if it is abroad",
    }
    for text, sentence in sentences.items():
        [message] = Form({"phone": text}).errors["phone"]
        assert sentence in message, text
    mainland = Form({"phone": "2881 2345"})
    mainland.fields["phone"].region = "CN"
    [message] = mainland.errors["phone"]
    assert "+852 2881 2345 or +853 2881 2345" in message


def test_a_doubtful_number_is_asked_about_once_and_then_taken():
    for text, number in (("13800138000", "+86 138 0013 8000"), ("4123 4567", "+852 4123 4567")):
        form = Form({"phone": text})
        [message] = form.errors["phone"]
        assert f"Do you mean {number}?" in message
        name, value = f"phone{PhoneInput.READING}", number.replace(" ", "")
        assert f'name="{name}" value="{value}"' in str(form["phone"])
        assert f'value="{text}"' in str(form["phone"]), "what was typed stays"
        again = Form({"phone": text, name: value})
        assert again.is_valid()
        assert again.cleaned_data["phone"] == PhoneNumber(value)
        assert not Form({"phone": "4123 9999", name: value}).is_valid(), "confirmed was another number"


def test_what_would_be_lost_is_named():
    for text, rest in (
        ("9123 4567 (Ms Chan)", "(Ms Chan)"),
        ("9123 4567 陳小姐", "陳小姐"),
        ("9123 4567ext", "ext"),
    ):
        [message] = Form({"phone": text}).errors["phone"]
        assert message.startswith(f"Do you mean +852 9123 4567? “{rest}” would be left out"), text
    [message] = Form({"phone": "+852 852 9123 4567"}).errors["phone"]
    assert message == "Do you mean +852 9123 4567? If so, please continue; else correct it."


def test_a_number_is_shown_as_people_write_it_and_can_be_typed_so_again():
    number = PhoneNumber("+85228812345", "12")
    for language, text in (("en", "+852 2881 2345 ext. 12"), ("zh-hant", "+852 2881 2345內線12")):
        with override(language):
            assert number.shown == text
            assert phone_numbers.read(number.shown, "US").number == number
    assert phone_numbers.read(str(number), "US").number == number
    assert PhoneNumber("unreadable").shown == "unreadable"


def test_what_is_longer_than_any_number_is_not_even_looked_at(monkeypatch):
    """Patterns that forgive much take long on a long text."""
    monkeypatch.setattr(phone_numbers, "_split_extension", None)
    long = "9123 4567" + " x" * phone_numbers.LONGEST
    assert phone_numbers.read(long, "HK") == phone_numbers.Reading()
