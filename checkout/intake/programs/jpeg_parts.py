"""The parts of a JPEG counted by their markers, before a library reads them.

Each scan of a progressive JPEG makes the library go through the whole picture, and each segment makes
Pillow copy those before it: a few bytes apiece would take minutes.
"""

import re

MAX_SCANS = 100  # programs write about ten
MAX_SEGMENTS = 1_000  # of at most 64 kB; the largest files of telephones have some two hundred
START_OF_SCAN, END = 0xDA, 0xD9
# Before a zero it is a value of the picture; restarts and the start of a picture have nothing after them.
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd8\xff])")
_WITHOUT_LENGTH = range(0xC0)  # no decoder knows these; what follows may be markers


def has_too_many_parts(content: bytes) -> bool:
    """Whether the scans or segments before the end of the (first) picture are too many."""
    scans = segments = place = 0
    while found := _MARKER.search(content, place):
        marker, place = found[1][0], found.end()
        if marker == END:
            break
        scans += marker == START_OF_SCAN
        segments += 1
        if scans > MAX_SCANS or segments > MAX_SEGMENTS:
            return True
        if marker not in _WITHOUT_LENGTH:
            place += int.from_bytes(content[place : place + 2], "big")
    return False
