"""``docs/security.md``: every requirement of ASVS 5.0, level 2, has its row, and what is met names its place.

The numbers of levels 1 and 2 stand in ``shop/tests/golden/asvs-5.0-level2.txt``.
"""

import re
from dataclasses import dataclass

import pytest

from shop.tests.project.test_structure import BASE, names_in

DOCUMENT = (BASE / "docs" / "security.md").read_text()
NUMBERS = (BASE / "shop" / "tests" / "golden" / "asvs-5.0-level2.txt").read_text().split()
STATES = {"met", "not met", "n/a"}
QUOTED = re.compile(r"`([^`]+)`")
PLACE = re.compile(r"([\w.-]+(?:/[\w.-]+)*\.(?:py|md|js|html|txt|toml)|Makefile)(?::([\w.]+))?")


@dataclass(frozen=True)
class Row:
    number: str
    asked: str
    state: str
    how: str
    where: str


def rows(text: str = DOCUMENT) -> list[Row]:
    """Of the tables of the chapters; the list of what is not met has three columns only."""
    found = re.findall(r"^\| (V[0-9.]+) \| (.+) \|$", text, re.MULTILINE)
    parts = [(number, rest.split(" | ")) for number, rest in found]
    return [Row(number, *cells) for number, cells in parts if len(cells) == 4]


def faults(row: Row) -> list[str]:
    """What is wrong with a row, in words."""
    if row.state not in STATES:
        return [f"is {row.state!r}"]
    if not row.asked or not row.how:
        return ["is empty"]
    places = QUOTED.findall(row.where)
    if row.state == "met" and not places:
        return ["names no place"]
    return [f"names {place}" for place in places if not is_there(place)]


def is_there(place: str) -> bool:
    match = PLACE.fullmatch(place)
    if not match or not (BASE / match[1]).is_file():
        return False
    return not match[2] or match[2] in set(names_in(BASE / match[1]))


def test_every_number_has_one_row_in_the_order_of_the_standard():
    assert len(NUMBERS) == len(set(NUMBERS)) == 253
    assert [row.number for row in rows()] == NUMBERS


def test_every_row_says_how_and_names_what_is_there():
    assert {row.number: found for row in rows() if (found := faults(row))} == {}


def test_what_is_not_met_stands_at_the_top_with_a_reason():
    listed, _ = DOCUMENT.split("## What is not met")[1].split("\n## ", 1)
    not_met = [row for row in rows() if row.state == "not met"]
    told = re.findall(r"^\| (V[0-9.]+) \| (.+) \| (.+) \|$", listed, re.MULTILINE)
    assert told == [(row.number, row.asked, row.how) for row in not_met]
    assert [row.number for row in not_met if len(row.how.split()) < 4] == []


def test_the_sum_at_the_top_is_right():
    told = re.search(r"Of (\d+): (\d+) met, (\d+) not met, (\d+) not applicable", DOCUMENT)
    states = [row.state for row in rows()]
    counts = [len(states), *(states.count(state) for state in ("met", "not met", "n/a"))]
    assert told
    assert [int(figure) for figure in told.groups()] == counts


def test_the_rest_of_the_document_names_what_is_there_too():
    places = [place for place in QUOTED.findall(DOCUMENT) if "/" in place and PLACE.fullmatch(place)]
    assert len(places) > 200
    assert [place for place in places if not is_there(place)] == []


@pytest.mark.parametrize(
    "row",
    [
        Row("V1.1.1", "asked", "met", "how", "–"),
        Row("V1.1.1", "asked", "met", "how", "`shop/nothing.py`"),
        Row("V1.1.1", "asked", "met", "how", "`shop/crypto.py:nothing`"),
        Row("V1.1.1", "asked", "perhaps", "how", "`shop/crypto.py`"),
        Row("V1.1.1", "asked", "n/a", "", "–"),
    ],
)
def test_a_row_that_claims_too_much_is_found(row):
    assert faults(row)
