"""The failure model is kept: every row that is promised has tests, and the table in docs names them all."""

import pytest

from shop.tests.harness import failures

NUMBERS = [
    *range(1, 11),
    14,
    15,
    16,
    18,
    19,
    *range(20, 27),
    *range(30, 49),
    *range(50, 64),
    75,
    76,
    *range(78, 82),
]
PROMISED = [f"F{number:02}" for number in NUMBERS]


@pytest.mark.parametrize("row", PROMISED)
def test_every_promised_row_has_a_test(row):
    assert failures.marked().get(row), f"no test is marked with failure({row!r})"


def test_the_table_names_exactly_the_tests_that_are_marked():
    shown, tests = failures.rows(), failures.marked()
    assert set(tests) <= set(shown), "a test names a row that the table lacks"
    assert set(PROMISED) <= set(shown)
    outdated = [
        row
        for row in shown
        if shown[row] != failures.LATER and shown[row] != failures.cell(tests.get(row, []))
    ]
    assert not outdated, "run `python -m shop.tests.harness.failures`"


def test_no_row_that_has_tests_is_put_off():
    shown = failures.rows()
    assert not [row for row in failures.marked() if shown[row] == failures.LATER]
