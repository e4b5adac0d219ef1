import pytest

from shop.tests.harness import effort

TESTS = """
    import pytest

    @pytest.mark.prove
    def test_long(): pass

    def test_measured(record_property):
        record_property("figure", "7 of 7 bridges crossed")
"""
BARE = (
    "-p",
    "no:django",
    "-p",
    "no:playwright",
    "-p",
    "no:hypothesispytest",
    "-p",
    "shop.tests.harness.effort",
)


@pytest.mark.parametrize(("is_full", "expected"), [(False, 3), (True, 20)])
def test_counts_are_full_only_when_the_shop_is_to_be_proven(monkeypatch, is_full, expected):
    monkeypatch.setattr(effort, "IS_FULL", is_full)
    assert effort.times(3, 20) == expected


@pytest.mark.parametrize(("workers", "is_full"), [("0", False), ("2", False), ("2", True)])
def test_long_tests_are_left_out_aloud_and_figures_told_when_all_is_proven(
    pytester, monkeypatch, settings, workers, is_full
):
    monkeypatch.setenv("SHOP_PROVE", "1" if is_full else "")
    monkeypatch.setenv("PYTHONPATH", str(settings.BASE_DIR))
    pytester.makeini("[pytest]\nmarkers =\n    prove: long\n")
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("-q", "-n", workers, *BARE)
    text = result.stdout.str()
    result.assert_outcomes(passed=2 if is_full else 1, deselected=1 if workers == "0" else 0)
    assert ("1 tests run only in make prove" in text) is not is_full
    assert ("7 of 7 bridges crossed" in text) is is_full


def test_when_all_is_proven_a_failure_is_told_when_it_happens(pytester, monkeypatch, settings):
    monkeypatch.setenv("SHOP_PROVE", "1")
    monkeypatch.setenv("PYTHONPATH", str(settings.BASE_DIR))
    pytester.makepyfile("def test_wrong(): assert 1 == 2")

    result = pytester.runpytest_subprocess("-q", "-n", "1", *BARE)

    begun, _, report = result.stdout.str().partition("= FAILURES =")
    assert "call of test_when_all_is_proven_a_failure_is_told_when_it_happens.py::test_wrong failed:" in begun
    assert "assert 1 == 2" in begun
    assert "assert 1 == 2" in report
