"""Pictures in the colours that every screen takes for granted: sRGB with eight bits, without a profile.

A profile says what the numbers of a picture mean. Dropped without converting, it leaves Adobe RGB pale,
ProPhoto more so, and ink (CMYK) in colours of its own.
"""

from io import BytesIO

from PIL import Image, ImageCms

MAX_PROFILE = 4 * 1024 * 1024  # bytes; a printing press's has about two million
# Colour space of a profile -> modes of the pictures it may belong to. A coloured picture in which all is grey
# is often stored as a grey one under its old profile.
_BELONGS_TO = {
    "RGB": {"1", "L", "LA", "P", "RGB", "RGBA"},
    "GRAY": {"1", "L", "LA"},
    "CMYK": {"CMYK"},
}
_SAMPLES = range(65536)  # of 16 bits


class UnknownColours(Exception):
    """The colour profile of a picture cannot be read, or belongs to another kind of picture."""


def in_srgb(image: Image.Image, *, bits: int = 8, is_grey: bool = False) -> Image.Image:
    """The picture as 1, L, LA, P, RGB or RGBA, its colours converted by its profile. May change ``image``.

    As the file has it: ``bits`` of a sample, in which a PNG tells its transparent colour, and whether it
    ``is_grey``, for Pillow reads 16 bits of grey and 16 of transparency as RGBA. Raises UnknownColours.
    """
    profile = image.info.get("icc_profile")
    image = _with_eight_bits(image, bits)
    if is_grey and image.mode == "RGBA":
        image = image.convert("LA")
    if profile:
        return _converted(image, profile)
    return image.convert("RGB") if image.mode == "CMYK" else image  # which inks, nobody knows


def _with_eight_bits(image: Image.Image, bits: int) -> Image.Image:
    """The same, with a transparent colour as a channel of its own."""
    transparent = image.info.get("transparency")
    if image.mode == "I;16":  # Pillow's own conversion clips: nearly all becomes white
        deep = image.convert("I")
        grey = deep.point([round(sample / 257) for sample in _SAMPLES], "L")
        if transparent is not None:
            grey.putalpha(deep.point([255 * (sample != transparent) for sample in _SAMPLES], "L"))
        return grey
    if transparent is None:
        return image
    if image.mode == "L":  # Pillow has widened the samples, but not this one
        image.info["transparency"] = transparent * 255 // (2**bits - 1)
    elif image.mode == "RGB" and bits == 16:
        image.info["transparency"] = tuple(sample >> 8 for sample in transparent)
    return image.convert("LA" if image.mode in {"1", "L"} else "RGBA")


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    """As RGB or RGBA."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if len(profile) > MAX_PROFILE or image.mode not in _BELONGS_TO.get(space, set()):
            raise UnknownColours
        target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        if space == "RGB":
            image = _as(image, "RGBA" if image.mode in {"LA", "RGBA"} else "RGB")
            # In place: at the most pixels that are taken, another picture would be 100 MB.
            return ImageCms.buildTransform(source, target, image.mode, image.mode).apply_in_place(image)
        alpha = image.getchannel("A") if image.mode == "LA" else None
        image = _as(image, "L") if space == "GRAY" else image
        image = ImageCms.buildTransform(source, target, image.mode, "RGB").apply(image)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise UnknownColours from error
    if alpha:
        image.putalpha(alpha)
    return image


def _as(image: Image.Image, mode: str) -> Image.Image:
    """In this mode; the same picture if it is, where ``convert`` would copy it."""
    return image if image.mode == mode else image.convert(mode)
