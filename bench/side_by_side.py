"""Cases measured on this tree and on others, one after the other on the same machine, and one table of all.

``python bench/NAME.py`` measures this tree; ``python bench/NAME.py ../before .`` that of another folder too.
``BENCH_CASES`` names some of the cases, separated by commas. Each is a whole shop as ``manage.py runstack``
opens it, on PostgreSQL and Redis of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Figures = dict[str, str]
BENCH = Path(__file__).resolve().parent


def compare(script: str, heading: str) -> None:
    """Have the script measure each tree that the command names, and print what was found."""
    trees = [Path(name).resolve() for name in sys.argv[1:] or ["."]]
    found = {tree: _measured(tree, script) for tree in trees}
    rows = list(dict.fromkeys(row for figures in found.values() for row in figures))
    say(f"{heading:<66}", *(f"{tree.name:>12}" for tree in trees))
    for row in rows:
        say(f"{row:<66}", *(f"{figures.get(row, '-'):>12}" for figures in found.values()))


def say(*words: str) -> None:
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def _measured(tree: Path, script: str) -> Figures:
    """In a process of its own, for each tree has modules of the same names."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "figures.json"
        path = f"{tree}{os.pathsep}{BENCH}"
        environment = os.environ | {"PYTHONPATH": path, "BENCH_RESULT": str(result)}
        program = f"import runpy; runpy.run_path({str(Path(script).resolve())!r}, run_name='measure')"
        subprocess.run([sys.executable, "-c", program], cwd=tree, env=environment, check=True)  # noqa: S603
        figures: Figures = json.loads(result.read_text())
    return figures


def measure(run: Callable[[], Iterable[Figures]]) -> None:
    """Within such a process: have Django ready, collect what ``run`` finds, and write it down."""
    from shop.tests.harness import environment, prepared

    environment.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    import django

    django.setup()
    figures: Figures = {}
    try:
        for found in run():
            say(f"{Path.cwd().name}: {found}")
            figures |= found
    finally:
        Path(os.environ["BENCH_RESULT"]).write_text(json.dumps(figures))
        prepared.drop_all()
        environment.close(os.getpid())


def is_wanted(case: Callable[..., object]) -> bool:
    return case.__name__ in os.environ.get("BENCH_CASES", case.__name__).split(",")


@contextmanager
def shop(settings: str, **options: str) -> Iterator[Any]:
    """An open shop with these settings. What it has said is shown where the block fails."""
    from shop.tests.harness.stacks.stack import own_stores, running

    with tempfile.TemporaryDirectory() as name, own_stores() as stores:
        folder = Path(name)
        (folder / "bench_settings.py").write_text(settings)
        options |= {
            "DJANGO_SETTINGS_MODULE": "bench_settings",
            "PYTHONPATH": f"{folder}{os.pathsep}{Path.cwd()}",
        }
        with running(folder, **stores, **options) as stack:
            try:
                yield stack
            except Exception:
                say(stack.console.read_text(errors="replace"))
                raise
