"""Whether a PDF asks for a password before it opens.

Many PDFs are encrypted and open all the same, with the empty password: they only forbid copying or printing.
"""

import io

import pikepdf


def needs_password(content: bytes) -> bool:
    """Return whether the empty password does not open it; False where that cannot be known."""
    if b"/Encrypt" not in content:  # most files; nothing need be read of them
        return False
    try:
        pikepdf.open(io.BytesIO(content), suppress_warnings=True).close()
    except pikepdf.PasswordError:
        return True
    except (pikepdf.PdfError, ValueError, RuntimeError):  # damaged: whoever opens it will see
        return False
    return False
