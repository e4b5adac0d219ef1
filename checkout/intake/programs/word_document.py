"""Judges a Word document by its parts, which it unpacks: ``python -m`` this, the file on standard input."""

import sys
import zipfile
from io import BytesIO
from pathlib import PurePosixPath
from typing import IO

from checkout.intake.program_limits import MIB, Status, serve
from checkout.intake.signatures import EICAR

_WORD = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_MAX_UNPACKED = 200 * MIB
_MAX_PARTS = 2_000
_MAX_RATIO = 200  # a long document of words packs to a tenth, a bomb to a thousandth
_RUNS = {".bin", ".exe", ".dll", ".js", ".vbs"}


def judge(content: bytes, _target: IO[bytes]) -> Status:
    """Raises what zipfile raises for a package that is none."""
    with zipfile.ZipFile(BytesIO(content)) as package:
        if _is_harmful(package):
            return Status.HARMFUL
        types = package.read("[Content_Types].xml")
        package.getinfo("word/document.xml")
    return Status.DONE if _WORD in types else Status.ANOTHER_KIND  # a workbook, or one with macros


def _is_harmful(package: zipfile.ZipFile) -> bool:
    parts = package.infolist()
    packed, unpacked = sum(part.compress_size for part in parts), sum(part.file_size for part in parts)
    if len(parts) > _MAX_PARTS or unpacked > min(_MAX_UNPACKED, _MAX_RATIO * packed + MIB):
        return True
    return any(_is_harmful_part(package, part) for part in parts)


def _is_harmful_part(package: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(part.filename)
    outside = path.is_absolute() or ".." in path.parts or "\\" in part.filename
    if outside or part.flag_bits & 1 or path.suffix.lower() in _RUNS:
        return True
    with package.open(part) as inside:  # also checks its sum
        last = b""
        while piece := inside.read(MIB):
            if EICAR in last + piece:
                return True
            last = piece[-len(EICAR) :]
    return False


if __name__ == "__main__":
    sys.exit(serve(judge))
