"""Whether a PDF asks for a password before it opens.

Many PDFs are encrypted and open all the same, with the empty password: they only forbid copying or printing.
"""

from .apart import opened_apart
from .program_limits import Status


def needs_password(content: bytes) -> bool:
    """Return whether the empty password does not open it; False where that is unknown. Raises Refused."""
    if b"/Encrypt" not in content:  # most files; nothing need be read of them
        return False
    status, _nothing = opened_apart("pdf_password", content)
    return status == Status.LOCKED
