"""One mailbox, however its address is written."""

import pytest
from django.core.exceptions import ValidationError

from shop.typed_values import email_addresses
from shop.typed_values.fields import EmailField

STORED = {
    "name@example.com": [
        "name@example.com",
        " name@example.com\n",
        "name@example.com\u200b",
        "\u200bname@example.com",
        "name@example.com\ufffc",
        "name@example.com\x03",
        "name@example.com\U000e0020",
        "name@exam\u00adple.com",
        "\ufeffname@example.com",
        "name＠example.com",
        "name@example．com",
        "name@example。com",
        "name@example｡com",
        "ｎａｍｅ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "mailto:name@example.com",
        "MAILTO:name@example.com?subject=%E8%A8%82%E5%96%AE",
        "name@example.com,",
        "name@example.com；",
        "name@example.com。",
        "Chan Tai Man <name@example.com>",
        "“name@example.com”",
        "「name@example.com」",
        "'name@example.com'",
        "name@EXAMPLE.com",
    ],
    "Name@example.com": ["Name@Example.Com"],
    "name@xn--bcher-kva.example": [
        "name@bücher.example",
        "name@BÜCHER.example",
        "name@xn--bcher-kva.example",
    ],
    "name@xn--fa-hia.example": ["name@faß.example"],  # IDNA 2003 made fass.example of it: somebody else's
    "name@xn--fsqu00a.xn--j6w193g": ["name@例子.香港", "name@例子。香港"],
}


def test_every_spelling_is_stored_alike():
    field = EmailField()
    for stored, spellings in STORED.items():
        assert {text: field.clean(text) for text in spellings} == dict.fromkeys(spellings, stored)


def test_the_domain_is_shown_in_its_own_script():
    assert email_addresses.shown("name@xn--fsqu00a.xn--j6w193g") == "name@例子.香港"
    assert email_addresses.shown("name@xn--nonsense-\u00df") == "name@xn--nonsense-\u00df"
    assert EmailField().prepare_value("name@xn--bcher-kva.example") == "name@bücher.example"


def test_capitals_make_no_other_mailbox_and_look_alikes_do():
    same = email_addresses.identity("Name@Example.com")
    for text in STORED["name@example.com"]:
        assert email_addresses.identity(text) == same
    for other in ("nаme@example.com", "name@examp1e.com", "name+@example.com", "n.ame@example.com"):
        assert email_addresses.identity(other) != same
    assert email_addresses.identity("mıa@example.com") != email_addresses.identity("mia@example.com")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("name.example.com", "There is no @ in “name.example.com”"),
        ("name@example", "Please enter an e-mail address such as"),
        ("name@exa mple.com", "Please enter an e-mail address such as"),
        ("a@example.com, b@example.com", "Please enter an e-mail address such as"),
        ("姓名@example.com", "Please enter an e-mail address such as"),
    ],
)
def test_what_is_no_address_is_told(typed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        EmailField().clean(typed)
