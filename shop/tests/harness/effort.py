"""How much a test run takes upon itself: ``make test`` samples, ``make prove`` counts in full.

Tests marked ``prove`` run only in ``make prove``; a run without them says how many it left out. What a test
measured it hands to ``record_property("figure", ...)``; ``make prove`` ends with these lines.
"""

import os
from typing import Any

import pytest

IS_FULL = os.environ.get("SHOP_PROVE") == "1"
LEFT_OUT = pytest.StashKey[int]()


def times(quick: int, full: int) -> int:
    """How often to do it: ``full`` in ``make prove``."""
    return full if IS_FULL else quick


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [] if IS_FULL else [item for item in items if item.get_closest_marker("prove")]
    config.stash[LEFT_OUT] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that prints the report."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash.get(LEFT_OUT, 0)


def pytest_configure(config: pytest.Config) -> None:
    if IS_FULL and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailureReporter(config))


class FailureReporter:
    """Print a failure when it happens: ``make prove`` takes an hour, and its report comes at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
            reporter.write_line(f"\n{report.when} of {report.nodeid} failed:\n{report.longreprtext}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """All workers collect the same tests; one that died has nothing to tell."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[LEFT_OUT] = max(left_out, node.config.stash.get(LEFT_OUT, 0))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if IS_FULL:
        _write_figures(terminalreporter)
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"{count} tests run only in make prove")


def _write_figures(terminalreporter: Any) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    figures = [
        str(value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.write_sep("=", "figures")
        for line in sorted(figures):
            terminalreporter.write_line(line)
