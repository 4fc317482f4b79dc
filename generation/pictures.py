"""What does the engine get of a picture that somebody gave us? Plain colours of the right size, and a mask of one kind.

Pillow alone, so that the door can look at a mask as the worker will.
"""

from typing import Literal

from PIL import Image, ImageOps

MaskMode = Literal["alpha", "white"]
MASK_MODES: tuple[MaskMode, ...] = ("alpha", "white")  # OpenAI's and diffusers' conventions


def fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in RGB and of this size; what is transparent becomes white."""
    flat = _on(picture, "white")
    return flat if flat.size == size else flat.resize(size, Image.Resampling.LANCZOS)


def drawn_anew(mask: Image.Image, mode: MaskMode) -> Image.Image:
    """Return what the mask gives to be drawn anew: 255 where it is transparent, or where it is white."""
    if mode == "white":
        return _on(mask, "black").convert("L")
    if "A" not in mask.getbands():
        return Image.new("L", mask.size, 0)
    return ImageOps.invert(mask.getchannel("A"))


def fitted_mask(mask: Image.Image, mode: MaskMode, size: tuple[int, int]) -> Image.Image:
    """Return what the mask gives to be drawn anew, in this size."""
    anew = drawn_anew(mask, mode)
    return anew if anew.size == size else anew.resize(size, Image.Resampling.BILINEAR)


def _on(picture: Image.Image, ground: str) -> Image.Image:
    """Return the picture in RGB on a ground of this colour."""
    if "A" not in picture.getbands():
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer).convert("RGB")
