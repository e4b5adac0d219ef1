"""The scanners' programs, and a shop of their own that they may fill with rubbish."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shop.tests.harness.stacks.stack import OwnStack, own_stores, running

BASE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of ``.venv/<environment>``, which `make prove` makes. It reads nobody's settings."""
    home = tmp_path_factory.mktemp("home")

    def run(environment: str, program: str, *arguments: str, timeout: float = 900):
        path = BASE / ".venv" / environment / "bin" / program
        assert path.exists(), f"{program} is not there: run `make prove`, or `make .venv/{environment}/ready`"
        # semgrep looks for its parts in PATH.
        clean = {
            "HOME": str(home),
            "PATH": f"{path.parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [str(path), *arguments],
            cwd=BASE,
            env=clean,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    return run


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnStack]:
    """It believes X-Forwarded-For of this machine, so that limits per network need not end a scan."""
    with own_stores() as stores:
        folder = tmp_path_factory.mktemp("scanned")
        with running(folder, **stores, TRUSTED_PROXIES="127.0.0.1") as shop:
            yield shop
