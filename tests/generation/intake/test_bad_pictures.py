"""What no picture may be: each is refused with its code and the field's name, and nothing is stored."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generation import storage
from generation.intake.decoding import MAX_BYTES, decoded
from generation.models import DiscardedFile, Upload
from tests.pictures import animation, bomb, chunk, claiming, file_of, picture, upload, with_chunk
from wire.errors import ApiError

PNG, JPEG, WEBP = (file_of(picture(), format) for format in ("PNG", "JPEG", "WEBP"))
ZEROS = zlib.compress(bytes(200 << 20), 9)  # 200 MiB in 200 KiB

# A JPEG up to the size in its header, and a WebP of 169 megapixels of one colour, whole in 40 bytes.
LARGE_HEADERS = [
    bytes.fromhex("ffd8 ffc0 0011 08 32c8 32c8 03 011100 021100 031100 ffda 000c 03 0100 0200 0300 003f00"),
    bytes.fromhex("5249464620000000574542505650384c140000002fc7f2b10c075081540820000a9afec78888fe07"),
]


def flipped(content: bytes, place: int) -> bytes:
    """Return the content with one bit of one byte the other way."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def of_format(format: str) -> bytes:
    return file_of(picture().convert("RGB"), format)


REFUSED = {
    # row 41
    "nothing": (b"", 400, "empty_image_file"),
    # row 42
    "a byte too much": (PNG + bytes(MAX_BYTES + 1 - len(PNG)), 413, "image_file_too_large"),
    # row 43
    "a PNG of 169 megapixels": (bomb(13000, 13000), 400, "image_too_large"),
    "a PNG of two gigapixels": (claiming(45_000, 45_000), 400, "image_too_large"),
    # row 44
    "a pixel": (file_of(picture(size=(1, 1))), 400, "image_too_small"),
    "a line": (file_of(picture(size=(8193, 1))), 400, "image_too_large"),
    "a side too short": (file_of(picture(size=(64, 63))), 400, "image_too_small"),
    "a side too long": (file_of(picture(size=(8193, 64))), 400, "image_too_large"),
    "a row of pixels too many": (file_of(Image.new("1", (4096, 4097))), 400, "image_too_large"),
    # row 45, each under the name kite.png
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>', 400, "unsupported_image_format"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", 400, "unsupported_image_format"),
    "PDF": (of_format("PDF"), 400, "unsupported_image_format"),
    "PSD": (b"8BPS\0\x01" + bytes(200), 400, "unsupported_image_format"),
    "FITS": (b"SIMPLE  =                    T" + bytes(2850), 400, "unsupported_image_format"),
    "EPS": (of_format("EPS"), 400, "unsupported_image_format"),
    "TIFF": (of_format("TIFF"), 400, "unsupported_image_format"),
    "GIF": (of_format("GIF"), 400, "unsupported_image_format"),
    "BMP": (of_format("BMP"), 400, "unsupported_image_format"),
    "AVIF": (b"\0\0\0\x20ftypavif" + bytes(200), 400, "unsupported_image_format"),
    "sound in RIFF": (b"RIFF\x24\0\0\0WAVEfmt ", 400, "unsupported_image_format"),
    "one byte": (b"\x89", 400, "unsupported_image_format"),
    # row 46
    "half a JPEG": (JPEG[: len(JPEG) // 2], 400, "image_parse_error"),
    "half a PNG": (PNG[: len(PNG) // 2], 400, "image_parse_error"),
    "half a WebP": (WEBP[: len(WEBP) // 2], 400, "image_parse_error"),
    "a PNG without its end": (PNG[:-12], 400, "image_parse_error"),
    "a PNG whose pixels fail their checksum": (flipped(PNG, PNG.index(b"IDAT") + 40), 400, "image_parse_error"),
    "a PNG whose header fails its checksum": (flipped(PNG, 29), 400, "image_parse_error"),
    "a PNG in splinters": (PNG[:33] + chunk(b"tEXt", b"a\0b") * 20_000 + PNG[33:], 400, "image_parse_error"),
    "a JPEG of a hundred scans": (JPEG[:-2] + JPEG[JPEG.rindex(b"\xff\xda") :] * 100, 400, "image_parse_error"),
    "a signature alone": (PNG[:8], 400, "image_parse_error"),
    "a JPEG's first bytes": (JPEG[:4], 400, "image_parse_error"),
    "a PNG without pixels": (PNG[:33] + chunk(b"IEND", b""), 400, "image_parse_error"),
    # row 47
    "an animated PNG": (animation("PNG"), 400, "animated_image"),
    "a PNG of ten thousand pictures": (
        with_chunk(PNG, b"acTL", (10_000).to_bytes(4, "big") + bytes(4)), 400, "animated_image",
    ),
    "an animated WebP": (animation("WEBP"), 400, "animated_image"),
    "a text that unpacks to 200 MiB": (with_chunk(PNG, b"zTXt", b"a\0\0" + ZEROS), 400, "image_parse_error"),
    "a profile that unpacks to 200 MiB": (with_chunk(PNG, b"iCCP", b"a\0\0" + ZEROS), 400, "image_parse_error"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_by_name_and_nothing_is_stored(alice, content, status, code):
    answer = upload(alice, content)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, "file")
    assert error["message"].endswith(".")
    assert not Upload.objects.exists()
    assert not DiscardedFile.objects.exists()
    assert not list(storage.blobs())


@pytest.mark.parametrize("content", [claiming(13000, 13000), *LARGE_HEADERS], ids=["PNG", "JPEG", "WebP"])
def test_a_bomb_is_refused_by_its_header_whatever_follows(content):
    """Decoding any of these would find that it is broken."""
    with pytest.raises(ApiError) as refusal:
        decoded(content, "file")
    assert refusal.value.code == "image_too_large"


def outcome(content: bytes) -> Image.Image | str:
    """Return the picture, or the refusal's code."""
    try:
        return decoded(content, "file")
    except ApiError as refusal:
        return refusal.code


@st.composite
def damaged(draw) -> bytes:
    """A good file with some bytes of its own or others in other places."""
    content = bytearray(draw(st.sampled_from([PNG, JPEG, WEBP])))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        content[start : start + draw(st.integers(0, 12))] = draw(st.binary(max_size=12))
    return bytes(content)


SIGNATURES = st.sampled_from([PNG[:8], JPEG[:3], WEBP[:16], PNG[:33], JPEG[:200]])


@settings(deadline=None)
@given(st.binary(max_size=300) | st.builds(bytes.__add__, SIGNATURES, st.binary(max_size=300)) | damaged())
def test_whatever_the_bytes_there_is_a_picture_or_a_refusal(content):
    result = outcome(content)
    assert result.mode in ("RGB", "RGBA", "L") if isinstance(result, Image.Image) else "image" in result
