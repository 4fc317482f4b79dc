"""Any good picture becomes one of ours: eight bits, upright, sRGB, alpha and grey kept, everything else left behind."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from generation import storage
from generation.intake.decoding import decoded
from generation.intake.normalising import UPRIGHT
from generation.models import Upload
from tests.pictures import chunk, file_of, picture, upload, with_chunk

SIZE = (96, 64)


def taken(content: bytes) -> Image.Image:
    return decoded(content, "file")


def unlike(one: Image.Image, other: Image.Image) -> float:
    """Return how far two pictures are apart, on average."""
    assert (one.mode, one.size) == (other.mode, other.size)
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


@pytest.mark.parametrize(
    ("mode", "format", "ours"),
    [
        ("RGB", "PNG", "RGB"), ("RGBA", "PNG", "RGBA"), ("L", "PNG", "L"), ("LA", "PNG", "RGBA"),
        ("P", "PNG", "RGB"), ("1", "PNG", "L"), ("RGB", "WEBP", "RGB"), ("RGBA", "WEBP", "RGBA"),
        ("RGB", "JPEG", "RGB"), ("L", "JPEG", "L"), ("CMYK", "JPEG", "RGB"),
    ],
)  # fmt: skip
def test_every_kind_of_pixel_becomes_eight_bits_of_rgb_rgba_or_grey(mode, format, ours):
    given_picture = picture(mode)
    options = {"quality": 95} if format == "JPEG" else {"lossless": True} if format == "WEBP" else {}
    assert unlike(taken(file_of(given_picture, format, **options)), given_picture.convert(ours)) < 2


def test_alpha_survives_to_the_stored_file(alice):
    answer = upload(alice, file_of(picture("RGBA")))
    stored = Image.open(io.BytesIO(alice.api.get(f"/api/v1/uploads/{answer.json()['id']}/content").content))
    assert (stored.mode, stored.tobytes()) == ("RGBA", picture("RGBA").tobytes())


def test_a_palettes_transparency_becomes_alpha():
    given_picture = picture("P")
    assert taken(file_of(given_picture, transparency=given_picture.getpixel((5, 5)))).getpixel((5, 5))[3] == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_keep_their_upper_half(channels):
    values = (np.arange(64 * 96 * channels) * 3).astype(">u2").reshape(64, -1)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    head = struct.pack(">IIBBBBB", *SIZE, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    ours = taken(content)
    assert ours.mode == {1: "L", 3: "RGB"}[channels]
    assert (np.asarray(ours).reshape(64, -1) == values >> 8).all()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_picture_taken_sideways_stands_upright(orientation, format):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}.get(orientation, UPRIGHT[orientation])
    content = file_of(picture().transpose(back), format, exif=exif, **({"quality": 100} if format != "PNG" else {}))
    assert unlike(taken(content), picture()) < 3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_is_passed_over():
    assert taken(file_of(picture(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")).size == SIZE


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def profile(gamma: float = 1.0) -> bytes:
    """Return sRGB's profile with another curve in place of its own: dark values mean more light."""
    content = bytearray(SRGB.tobytes())
    for tag in (b"rTRC", b"gTRC", b"bTRC"):
        place = content.index(tag)
        start = int.from_bytes(content[place + 4 : place + 8])
        content[start : start + 14] = b"curv\0\0\0\0\0\0\0\x01" + struct.pack(">H", round(gamma * 256))
    return bytes(content).replace("sRGB built-in".encode("utf-16-be"), "made by tests".encode("utf-16-be"))


@pytest.mark.parametrize(("mode", "format"), [("RGB", "PNG"), ("RGBA", "PNG"), ("RGB", "JPEG"), ("RGB", "WEBP")])
def test_colours_of_another_profile_become_srgb(mode, format):
    grey = Image.new("RGB", SIZE, (55, 55, 55)).convert(mode)
    linear = taken(file_of(grey, format, icc_profile=profile(1.0)))
    assert linear.getpixel((5, 5))[:3] == pytest.approx((128, 128, 128), abs=3)


def test_colours_in_srgb_stay_as_they_are():
    assert taken(file_of(picture(), icc_profile=SRGB.tobytes())).tobytes() == picture().tobytes()


@settings(deadline=None)
@given(st.integers(0, len(SRGB.tobytes()) - 1), st.binary(min_size=1, max_size=40))
def test_a_damaged_profile_never_costs_the_picture(place, noise):
    damaged = profile()[:place] + noise + profile()[place + len(noise) :]
    assert taken(file_of(picture(), icc_profile=damaged)).size == SIZE


def test_nothing_but_pixels_is_stored(alice):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a secret prompt")
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "somebody"
    content = file_of(picture(), pnginfo=texts, exif=exif, dpi=(300, 300)) + b"<script>alert(1)</script>"
    assert upload(alice, content).status_code == 201
    stored = storage.read(Upload.objects.get().blob)
    assert stored[12:16] == b"IHDR"
    assert [stored.count(kind) for kind in (b"IDAT", b"tEXt", b"eXIf", b"pHYs", b"secret", b"somebody", b"script")] == [
        1, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip


def test_a_tail_of_html_behind_a_jpeg_is_gone(alice):
    assert upload(alice, file_of(picture(), "JPEG") + b"<script>alert(1)</script>").status_code == 201
    assert b"script" not in storage.read(Upload.objects.get().blob)


def test_a_phones_jpeg_with_a_second_picture_is_its_first():
    second = Image.new("RGB", (32, 32), "red")
    content = file_of(picture(), "MPO", save_all=True, append_images=[second], quality=95)
    assert unlike(taken(content), picture()) < 2


def test_a_png_of_one_frame_is_no_animation():
    frame = struct.pack(">5I2H2B", 0, *SIZE, 0, 0, 1, 10, 0, 0)
    animation = with_chunk(with_chunk(file_of(picture()), b"fcTL", frame), b"acTL", struct.pack(">2I", 1, 0))
    assert taken(animation).tobytes() == picture().tobytes()
