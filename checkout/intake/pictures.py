"""Pictures that were sent are written anew, apart: see ``programs/picture_cleaner.py``."""

from django.utils.translation import gettext as _

from .apart import opened_apart
from .program_limits import MAX_PIXELS, Status
from .refused import Refused


def clean_image(content: bytes, kind: str) -> bytes:
    """The picture (the first of several), upright, in sRGB, with nothing stored beside it. Raises Refused."""
    status, clean = opened_apart("picture_cleaner", content, kind)
    if status == Status.DONE:
        return clean
    raise Refused(_why(status))


def _why(status: Status) -> str:
    if status == Status.TOO_MANY_PIXELS:
        text = _("This picture has too many pixels. Please send one of at most %(most)s million.")
        return text % {"most": MAX_PIXELS // 1_000_000}
    if status == Status.UNKNOWN_COLOURS:
        return _("The colours of this picture cannot be read. Please save it in sRGB and choose it again.")
    return _("This picture is damaged or incomplete. Please choose it again.")
