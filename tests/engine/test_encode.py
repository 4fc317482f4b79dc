"""A file holds the picture, how it was made, and nothing else."""

import io
import json

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from generation.engine.encode import encode, thumbnail

PARAMETERS = "a red kite, été, 凧 🪁\nNegative prompt: grey\nSteps: 20, Sampler: Euler, Seed: 7"
RECEIPT = '{"checkpoint": "mini", "prompt": "été 凧 🪁"}'


@pytest.fixture
def image() -> Image.Image:
    rows, columns = np.mgrid[0:96, 0:128]
    return Image.fromarray(np.stack([rows, columns, rows + columns], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, format: str, parameters: str = PARAMETERS, receipt: str = RECEIPT) -> Image.Image:
    data = encode(image, format, quality=90, parameters=parameters, receipt=receipt)
    return Image.open(io.BytesIO(data))


def exif_texts(file: Image.Image) -> tuple[str, str]:
    details = file.getexif().get_ifd(ExifTags.IFD.Exif)
    comment, note = details[ExifTags.Base.UserComment], details.get(ExifTags.Base.MakerNote, b"")
    assert comment.startswith(b"UNICODE\0")
    return comment.removeprefix(b"UNICODE\0").decode("utf-16-be"), note.decode()


def test_a_png_keeps_every_pixel_and_both_texts(image):
    file = encoded(image, "png")
    assert file.format == "PNG"
    assert np.array_equal(np.asarray(file), np.asarray(image))
    assert file.text == {"parameters": PARAMETERS, "receipt": RECEIPT}


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_jpeg_and_webp_carry_both_texts_as_exif(image, format):
    file = encoded(image, format)
    assert (file.format, file.size) == (format.upper(), image.size)
    assert exif_texts(file) == (PARAMETERS, RECEIPT)
    assert np.abs(np.asarray(file).astype(int) - np.asarray(image)).mean() < 5


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_quality_counts(image, format):
    sizes = [len(encode(image, format, quality=quality, parameters="", receipt="")) for quality in (20, 95)]
    assert sizes[0] < sizes[1]


def test_an_unknown_format_is_refused(image):
    with pytest.raises(ValueError, match="tiff is not a format"):
        encode(image, "tiff", quality=90, parameters="", receipt="")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_what_the_source_file_carried_is_not_passed_on(image, format):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.info = {"icc_profile": profile, "comment": b"secret", "exif": b"secret", "dpi": (300, 300), "xmp": b"secret"}
    data = encode(image, format, quality=90, parameters=PARAMETERS, receipt=RECEIPT)
    assert b"secret" not in data
    assert "icc_profile" not in Image.open(io.BytesIO(data)).info


def test_the_longest_prompts_fit_into_a_jpeg_where_the_receipt_no_longer_does(image):
    longest = "🪁" * 4000 + "\nNegative prompt: " + "🪁" * 4000
    receipt = json.dumps(longest)
    assert exif_texts(encoded(image, "jpeg", longest, receipt)) == (longest, "")
    assert exif_texts(encoded(image, "webp", longest, receipt)) == (longest, receipt)


def test_a_thumbnail_is_a_small_webp_of_the_same_shape(image):
    small = Image.open(io.BytesIO(thumbnail(image, side=64)))
    assert (small.format, small.size) == ("WEBP", (64, 48))
    assert not small.getexif()
