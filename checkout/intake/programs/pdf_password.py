"""Tells whether a PDF asks for a password before it opens: ``python -m`` this, the PDF on standard input."""

import io
import sys
from typing import IO

import pikepdf

from checkout.intake.program_limits import Status, serve


def judge(content: bytes, _target: IO[bytes]) -> Status:
    """LOCKED where the empty password does not open it; DONE where that cannot be known."""
    try:
        pikepdf.open(io.BytesIO(content), suppress_warnings=True).close()
    except pikepdf.PasswordError:
        return Status.LOCKED
    except MemoryError:
        raise
    except Exception:  # damaged, in whichever way: whoever opens it will see
        return Status.DONE
    return Status.DONE


if __name__ == "__main__":
    sys.exit(serve(judge))
