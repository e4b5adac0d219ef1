"""Colour profiles made by hand, and what a colour under each of them is in sRGB by the formulas alone.

The numbers are those of the standards: primaries seen under D50, curves, and sRGB's inverse. The layout is
that of ICC.1:2010: a header of 128 bytes, a table of tags, the tags.
"""

import struct
from collections.abc import Callable
from itertools import product

D50 = (0.9642, 1.0, 0.8249)
XYZ_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03135, 0.00009, 0.82491))
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_GAMMA, PROPHOTO_GAMMA, GREY_GAMMA = 563 / 256, 461 / 256, 461 / 256  # as a profile can tell them
INKS = {  # Lab of solid cyan, magenta, yellow, black, and of paper, in Lab's 8 bits: L, a, b
    (0, 0, 0, 0): (255, 128, 128),
    (1, 0, 0, 0): (140, 91, 78),
    (0, 1, 0, 0): (122, 202, 125),
    (0, 0, 1, 0): (227, 123, 221),
    (0, 0, 0, 1): (41, 128, 128),
}

Curve = Callable[[float], float]


def matrix_profile(primaries: tuple, curve: bytes) -> bytes:
    tags = {
        name: _xyz(*primary) for name, primary in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
    }
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def grey_profile() -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": gamma_curve(GREY_GAMMA)})


def ink_profile() -> bytes:
    """Of a press: Lab at the sixteen corners; those with several inks are black."""
    straight = bytes(range(256))
    corners = b"".join(bytes(INKS.get(inks, (0, 128, 128))) for inks in product((0, 1), repeat=4))
    unit = struct.pack(">9i", *(65536 * (row == column) for row in range(3) for column in range(3)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + unit + 4 * straight + corners + 3 * straight
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table}, version=2)


def gamma_curve(gamma: float) -> bytes:
    return struct.pack(">4s4xIH2x", b"curv", 1, round(gamma * 256))


def srgb_curve() -> bytes:
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return struct.pack(">4s4xHH5i", b"para", 3, 0, *(round(65536 * number) for number in numbers))


def seen(color: tuple[int, ...], primaries: tuple, linear: Curve) -> tuple[int, int, int]:
    """The colour in sRGB, clipped to what sRGB has."""
    light = [linear(sample / 255) for sample in color]
    return _srgb([sum(light[i] * primaries[i][row] for i in range(3)) for row in range(3)])


def seen_grey(sample: int) -> tuple[int, int, int]:
    return _srgb([white * (sample / 255) ** GREY_GAMMA for white in D50])


def seen_ink(inks: tuple[int, ...]) -> tuple[int, int, int]:
    light, a, b = INKS[inks]
    y = (light * 100 / 255 + 16) / 116
    parts = (y + (a - 128) / 500, y, y - (b - 128) / 200)
    return _srgb(
        [
            white * (part**3 if part > 6 / 29 else (part - 4 / 29) * 3 * (6 / 29) ** 2)
            for white, part in zip(D50, parts, strict=True)
        ]
    )


def linear_srgb(sample: float) -> float:
    return sample / 12.92 if sample <= 0.04045 else ((sample + 0.055) / 1.055) ** 2.4


def _srgb(xyz: list[float]) -> tuple[int, int, int]:
    light = [
        min(1.0, max(0.0, sum(f * value for f, value in zip(row, xyz, strict=True)))) for row in XYZ_TO_SRGB
    ]
    red, green, blue = (
        round(255 * (12.92 * one if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055)) for one in light
    )
    return red, green, blue


def _xyz(x: float, y: float, z: float) -> bytes:
    return struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * value) for value in (x, y, z)))


def _profile(
    kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes], version: int = 4
) -> bytes:
    name = (
        struct.pack(">4s4xIII", b"mluc", 1, 12, 0x656E5553)
        + struct.pack(">II", 8, 28)
        + "test".encode("utf-16-be")
    )
    tags = {b"desc": name, b"cprt": name, b"wtpt": _xyz(*D50)} | tags
    start = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(body), version << 24, kind, space, connection)
    head += (
        struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
        + bytes(28)
        + struct.pack(">3i", 63190, 65536, 54061)
    )
    return head + bytes(128 - len(head)) + table + body
