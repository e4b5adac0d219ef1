"""The failure model is kept: every row of docs/failures.md that is not put off has tests."""

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


def test_every_promised_row_has_a_test():
    assert [row for row in PROMISED if not failures.marked().get(row)] == []


def test_every_row_of_the_table_has_a_test_or_is_put_off():
    rows, tests = failures.rows(), failures.marked()
    assert set(PROMISED) <= set(rows)
    assert set(tests) <= set(rows), "a test names a row that the table lacks"
    assert [row for row, is_put_off in rows.items() if is_put_off == (row in tests)] == []
