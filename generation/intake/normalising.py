"""How does a decoded picture become one of ours? Eight bits, sRGB, upright: RGB, RGBA or L, and nothing else in it."""

import io

import numpy as np
from PIL import ExifTags, Image, ImageCms

# What EXIF's orientation asks for.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def normalised(picture: Image.Image) -> Image.Image:
    """Return a decoded picture as ours; its metadata stays behind."""
    turn = UPRIGHT.get(orientation(picture))
    plain = eight_bits(in_srgb(picture))
    upright = plain if turn is None else plain.transpose(turn)
    upright.info = {}
    return upright


def orientation(picture: Image.Image) -> int:
    """Return EXIF's orientation, 1 where EXIF is absent or unreadable."""
    try:
        said = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, LookupError, TypeError, ArithmeticError):
        return 1
    return said if isinstance(said, int) else 1


def in_srgb(picture: Image.Image) -> Image.Image:
    """Return the picture's colours in sRGB; a profile that is broken or of another kind is passed over."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "RGBA", "CMYK", "P"):
        return picture
    source = eight_bits(picture) if picture.mode == "P" else picture
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).lower():
            return source
        if source.mode == "CMYK":
            return ImageCms.profileToProfile(source, given, SRGB, outputMode="RGB") or source
        ImageCms.profileToProfile(source, given, SRGB, inPlace=True)  # a copy would be another 64 MiB
        return source
    except (ImageCms.PyCMSError, OSError):
        return source


def eight_bits(picture: Image.Image) -> Image.Image:
    """Return RGB, RGBA or L of any mode that a PNG, JPEG or WebP has."""
    if picture.mode.startswith("I"):  # sixteen bits of grey, whose upper half Pillow's own conversion would clip
        return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")
