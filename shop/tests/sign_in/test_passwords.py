"""Which passwords staff may choose."""

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from shop.admin.staff_groups import _syllables

PEOPLE = User(username="meiling", email="mei.chan@cloudink.example", first_name="Mei")
REFUSED = [
    "84029471",
    "840294718264",  # digits alone
    "gX4#kq9Lw2R",  # eleven
    "merchant1",
    "Hongkong1",
    "cloudink",
    "Password1234",
    "P@ssw0rd2026!",
    "Hongkong1111",
    "cloudink1234",
    "merchant2026!",
    "qwertyuiop12",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "aaaaaaaaaaaa",
    "iloveyou2026",
    "Summer2026!!",
    "Admin@123456",
    "Cloud-Inkstone",
    "meiling-2026!",
    "chan,mei,chan!",  # too easy for this person alone
    "sunshine sunshine",
]
TAKEN = ["tortoise lamp violet", "bamboo-teapot-river", "gX4#kq9Lw2Rz", "我們昨天在竹林喝茶聽雨看山"]


@pytest.mark.parametrize("password", REFUSED)
def test_what_others_would_try_is_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password, PEOPLE)


@pytest.mark.parametrize("password", [*TAKEN, "made here"])
def test_what_nobody_guesses_is_taken(password):
    if password == "made here":  # another one in each process
        password = "-".join(_syllables())
    validate_password(password, PEOPLE)
