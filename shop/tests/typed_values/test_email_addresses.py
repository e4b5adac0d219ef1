"""One mailbox, however its address is written."""

import re

import pytest
from django import forms
from django.core.exceptions import ValidationError

from shop.typed_values import email_addresses
from shop.typed_values.fields import EmailField, PhoneField

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
        "E-mail: name@example.com",
        "電郵：name@example.com",
        "name@example.com（微信同號）",
        "name@example.com\tChan Tai Man",
        "name@example.com, name@example.com",
        "name@example.com.",
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
        ("Chan", "There is no @ in “Chan”"),
        ("name@example", "The part behind the @ is not complete"),
        ("name@localhost", "The part behind the @ is not complete"),
        ("name@[127.0.0.1]", "The part behind the @ is not complete"),
        ("name@192.168.10.10", "The part behind the @ is not complete"),
        ("name@exa mple.com", "Do you mean name@example.com?"),
        ("a@example.com, b@example.com", "Please enter one e-mail address only"),
        ("a@example.com;b@example.com", "Please enter one e-mail address only"),
        ("a@example.com/b@example.com", "Please enter one e-mail address only"),
        ("name@@example.com", "There is more than one @"),
        ("name..of@example.com", "There is a dot too many"),
        ("name.@example.com", "There is a dot too many"),
        ("姓名@example.com", "Before the @ only letters without accents, digits and signs"),
        ("na!me(@example.com", "Please enter an e-mail address such as"),
    ],
)
def test_what_is_no_address_is_told(typed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        EmailField().clean(typed)


LIKELY = {
    "name@gmial.com": "name@gmail.com",
    "name@gmail.co": "name@gmail.com",
    "name@gmailcom": "name@gmail.com",
    "name@gmail.con": "name@gmail.com",
    "name@hotmai.com": "name@hotmail.com",
    "name@yaho.com": "name@yahoo.com",
    "name@yahoo.com.hkk": "name@yahoo.com.hk",
    "name@qqcom": "name@qq.com",
    "name@example.con": "name@example.com",
    "name@example.com微信": "name@example.com",
    "name@gmail,com": "name@gmail.com",
    "name@gmail;com": "name@gmail.com",
    "name@gmail .com": "name@gmail.com",
    'name"gmail.com': "name@gmail.com",
    "name at gmail dot com": "name@gmail.com",
}
REAL = ["mail.com", "email.com", "ymail.com", "gmx.com", "yahoo.com.tr", "hotmail.de", "qq.com", "me.com",
        "example.co", "outlook.fr", "163.com", "gmail.com", "sina.cn", "icloud.com"]  # fmt: skip


def form_of(**typed):
    class Form(forms.Form):
        email = EmailField()

    return Form(typed)


def test_a_misspelt_address_is_asked_about_once():
    asked = {}
    for text, meant in LIKELY.items():
        form = form_of(email=text)
        assert not form.is_valid(), text
        asked[text] = meant if f"Do you mean {meant}?" in form.errors["email"][0] else form.errors["email"]
        reading = re.search(r'email_reading" value="(.*?)"', str(form["email"]))[1]
        again = form_of(email=text, email_reading=reading)
        assert again.is_valid()
        is_possible = re.fullmatch(r"name@[a-z.]+\.[a-z]+", text)
        assert again.cleaned_data["email"] == (text if is_possible else meant)
    assert asked == LIKELY


def test_what_was_confirmed_stays_so_while_something_else_is_put_right():
    """Two questions that took turns would never let anybody through."""

    class Form(forms.Form):
        email = EmailField()
        phone = PhoneField()

    sent = {"email": "name@gmial.com", "phone": "9123 0025", "email_reading": "", "phone_reading": ""}
    answers = []
    for phone in ("9123", "8613800138000", "8613800138000"):
        form = Form({**sent, "phone": phone})
        answers.append(sorted(form.errors))
        page = str(form["email"]) + str(form["phone"])
        for name in ("email_reading", "phone_reading"):
            found = re.search(rf'{name}" value="(.*?)"', page)
            sent[name] = found[1] if found else ""
    assert answers == [["email", "phone"], ["phone"], []]


def test_an_address_of_a_real_domain_is_not_asked_about():
    assert [domain for domain in REAL if not form_of(email=f"name@{domain}").is_valid()] == []


def test_what_was_asked_about_another_address_confirms_nothing():
    assert not form_of(email="name@gmial.com", email_reading="other@gmail.com").is_valid()
    assert (
        EmailField(widget=forms.TextInput).clean("name@gmial.com") == "name@gmial.com"
    )  # nowhere to confirm
