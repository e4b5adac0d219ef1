"""A picture keeps its colours when it is written anew, whatever its profile and bits; or it is refused."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms

from checkout.intake import uploads
from checkout.intake.programs import colours
from checkout.tests import files, profiles

PATCHES = [
    (0, 0, 0),
    (255, 255, 255),
    (128, 128, 128),
    (200, 80, 40),
    (30, 120, 60),
    (60, 90, 200),
    (240, 230, 90),
]
SPACES = {
    "Adobe RGB": (
        profiles.ADOBE,
        profiles.gamma_curve(profiles.ADOBE_GAMMA),
        lambda v: v**profiles.ADOBE_GAMMA,
    ),
    "ProPhoto": (
        profiles.PROPHOTO,
        profiles.gamma_curve(profiles.PROPHOTO_GAMMA),
        lambda v: v**profiles.PROPHOTO_GAMMA,
    ),
    "Display P3": (profiles.DISPLAY_P3, profiles.srgb_curve(), profiles.linear_srgb),
}
SIDE = 32  # a patch is large enough that JPEG mixes nothing into its middle


def patches(mode, colors, kind="PNG", **extra):
    """A picture with one square for each color beside the others."""
    image = Image.new(mode, (SIDE * len(colors), SIDE))
    for place, color in enumerate(colors):
        image.paste(color, (SIDE * place, 0, SIDE * (place + 1), SIDE))
    return saved(image, kind, **extra)


def saved(image, kind="PNG", **extra):
    written = BytesIO()
    image.save(written, format=kind, **({"quality": 100} if kind == "JPEG" else {}), **extra)
    return written.getvalue()


def kept(content):
    """What becomes of the file."""
    image = Image.open(BytesIO(uploads.examine(files.sent(content), {})[1]))
    image.load()
    assert "icc_profile" not in image.info
    return image


def colors_of(content):
    """Of the patches, in the middle of each."""
    image = kept(content)
    return [image.getpixel((x, SIDE // 2)) for x in range(SIDE // 2, image.width, SIDE)]


def differing(found, expected, most):
    return [(f, e) for f, e in zip(found, expected, strict=True) if far(f, e, most)]


def far(one, other, most):
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) > most


@pytest.mark.parametrize("space", SPACES)
def test_coloured_pictures_are_converted_to_srgb(space):
    primaries, curve, linear = SPACES[space]
    profile = profiles.matrix_profile(primaries, curve)
    expected = [profiles.seen(color, primaries, linear) for color in PATCHES]
    assert differing(colors_of(patches("RGB", PATCHES, icc_profile=profile)), expected, 1) == []
    assert differing(colors_of(patches("RGB", PATCHES, "JPEG", icc_profile=profile)), expected, 5) == []
    clear = [(*color, 77) for color in PATCHES]
    assert (
        differing(colors_of(patches("RGBA", clear, icc_profile=profile)), [(*one, 77) for one in expected], 1)
        == []
    )
    palette = Image.open(BytesIO(patches("RGB", PATCHES))).quantize(len(PATCHES))
    assert differing(colors_of(saved(palette, icc_profile=profile)), expected, 1) == []


def test_a_picture_in_srgb_stays_as_it_is():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content in (patches("RGB", PATCHES), patches("RGB", PATCHES, icc_profile=profile)):
        assert differing(colors_of(content), PATCHES, 1) == []


def test_ink_is_shown_as_its_profile_says():
    inks = [tuple(255 * ink for ink in inks) for inks in profiles.INKS]
    found = colors_of(patches("CMYK", inks, "JPEG", icc_profile=profiles.ink_profile()))
    assert differing(found, [profiles.seen_ink(one) for one in profiles.INKS], 5) == []
    paper, *_, black = colors_of(patches("CMYK", inks, "JPEG"))  # without a profile, as viewers show it
    assert differing([paper, black], [(255, 255, 255), (0, 0, 0)], 5) == []


def test_grey_pictures_are_converted_too():
    samples = [0, 60, 128, 200, 255]
    grey, adobe = profiles.grey_profile(), profiles.matrix_profile(*SPACES["Adobe RGB"][:2])
    expected = [profiles.seen_grey(sample) for sample in samples]
    for kind in ("PNG", "JPEG"):
        assert differing(colors_of(patches("L", samples, kind, icc_profile=grey)), expected, 2) == []
    clear = colors_of(patches("LA", [(sample, 9) for sample in samples], icc_profile=grey))
    assert differing(clear, [(*one, 9) for one in expected], 1) == []
    expected = [profiles.seen((sample,) * 3, profiles.ADOBE, SPACES["Adobe RGB"][2]) for sample in samples]
    assert differing(colors_of(patches("L", samples, icc_profile=adobe)), expected, 1) == []


def png(bits, colour_type, samples, **chunks):
    """One row of pixels, each a tuple of samples."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    if bits < 8:
        row = sum(sample[0] << (8 - bits * (place + 1)) for place, sample in enumerate(samples)).to_bytes(
            1, "big"
        )
    else:
        row = b"".join(value.to_bytes(bits // 8, "big") for sample in samples for value in sample)
    head = struct.pack(">IIBBBBB", len(samples), 1, bits, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", head) + b"".join(chunk(name.encode(), data) for name, data in chunks.items())
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")


def row(content):
    image = kept(content).convert("RGBA")
    return [image.getpixel((x, 0)) for x in range(image.width)]


def clear(*pixels):
    """Pixels by their grey, None for a transparent one."""
    return [None if a == 0 else (r, g, b, a) for r, g, b, a in pixels]


def test_every_depth_keeps_its_greys_and_what_is_transparent():
    deep = [(0,), (0x4000,), (0x8080,), (0xFFFF,)]
    assert row(png(16, 0, deep)) == [(v, v, v, 255) for v in (0, 64, 128, 255)]
    assert clear(*row(png(16, 0, deep, tRNS=b"\x80\x80"))) == [
        (0, 0, 0, 255),
        (64, 64, 64, 255),
        None,
        (255,) * 4,
    ]
    assert row(png(16, 4, [(0x4000, 0xFFFF), (0x8080, 0x8080)])) == [(64, 64, 64, 255), (128, 128, 128, 128)]
    for bits in (1, 2, 4, 8):
        top = 2**bits - 1
        shown = clear(*row(png(bits, 0, [(0,), (top,)], tRNS=top.to_bytes(2, "big"))))
        assert shown == [(0, 0, 0, 255), None], bits
    assert clear(*row(png(4, 0, [(3,), (9,)], tRNS=b"\0\x03"))) == [None, (153, 153, 153, 255)]
    assert clear(*row(png(8, 2, [(9, 8, 7), (1, 2, 3)], tRNS=b"\0\x01\0\x02\0\x03"))) == [
        (9, 8, 7, 255),
        None,
    ]
    colour = [(0x1234, 0x5678, 0x9ABC), (0xFFFF, 0, 0)]
    assert clear(*row(png(16, 2, colour, tRNS=struct.pack(">3H", *colour[0])))) == [None, (255, 0, 0, 255)]


def test_greys_with_transparency_are_converted_by_their_profile():
    profile = b"p\0\0" + zlib.compress(profiles.grey_profile())
    seen = (*profiles.seen_grey(128), 255)
    for shown, hidden in (
        row(png(16, 0, [(0x8080,), (0xFFFF,)], iCCP=profile, tRNS=b"\xff\xff")),
        row(png(16, 4, [(0x8080, 0xFFFF), (0x8080, 0)], iCCP=profile)),
        row(png(8, 0, [(128,), (255,)], iCCP=profile, tRNS=b"\0\xff")),
        row(png(8, 4, [(128, 255), (128, 0)], iCCP=profile)),
    ):
        assert not far(shown, seen, 1)
        assert hidden[3] == 0


def test_turned_and_moving_pictures_are_converted_like_others():
    primaries, curve, linear = SPACES["Adobe RGB"]
    profile = profiles.matrix_profile(primaries, curve)
    color, expected = PATCHES[3], profiles.seen(PATCHES[3], primaries, linear)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = kept(saved(Image.new("RGB", (40, 20), color), exif=exif, icc_profile=profile))
    assert turned.size == (20, 40)
    first, second = (Image.new("RGB", (16, 16), one) for one in (color, (0, 0, 255)))
    still = kept(saved(first, save_all=True, append_images=[second], icc_profile=profile))
    assert getattr(still, "n_frames", 1) == 1
    assert differing([image.getpixel((8, 8)) for image in (turned, still)], [expected, expected], 1) == []


def test_colours_that_cannot_be_read_are_refused_in_words(monkeypatch):
    whole = profiles.matrix_profile(*SPACES["Adobe RGB"][:2])
    unusable = [
        whole[:150],
        b"\0" * 200,
        whole.replace(b"rTRC", b"xxxx"),
        profiles.ink_profile(),
        profiles.grey_profile(),
    ]
    contents = [
        patches("RGB", PATCHES, kind, icc_profile=one) for one in unusable for kind in ("PNG", "JPEG")
    ]
    contents.append(patches("CMYK", [(9, 9, 9, 9)], "JPEG", icc_profile=whole))
    told = []
    for content in contents:
        with pytest.raises(uploads.Refused) as refusal:
            kept(content)
        told.append(refusal.value.message)
    assert set(told) == {
        "The colours of this picture cannot be read. Please save it in sRGB and choose it again."
    }
    monkeypatch.setattr(colours, "MAX_PROFILE", 100)
    with pytest.raises(colours.UnknownColours):
        colours.in_srgb(Image.open(BytesIO(patches("RGB", PATCHES, icc_profile=whole))))
