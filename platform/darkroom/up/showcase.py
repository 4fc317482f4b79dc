"""What can it draw? A page of pictures through the public API, each timed as a caller sees it, and a contact sheet."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from darkroom.up.client import Client
from darkroom.up.first_picture import NoPicture, finished
from generation.engine.spec import SIDE_MULTIPLE

COLUMNS = 4
CELL = 272
MARGIN = 8
CAPTION = 40


@dataclass(frozen=True)
class Wish:
    """One picture of the page; its shape is width to height."""

    prompt: str
    scheduler: str = "EulerDiscreteScheduler"
    shape: tuple[Fraction, Fraction] = (Fraction(1), Fraction(1))


@dataclass(frozen=True)
class Shown:
    """One picture that was made."""

    wish: Wish
    image: Image.Image
    file: Path
    seconds: float


WIDE, TALL = (Fraction(3, 2), Fraction(1)), (Fraction(1), Fraction(3, 2))
PAGE = (
    Wish("a red apple on a white background"),
    Wish("a cat, cartoon style, on a teal background"),
    Wish("a blue guitar", "DPMSolverMultistepScheduler"),
    Wish("a castle on a sky blue background", "UniPCMultistepScheduler", WIDE),
    Wish("an owl in 3d style", "EulerAncestralDiscreteScheduler"),
    Wish("a slice of pizza on a navy background", "DDIMScheduler"),
    Wish("a palm tree on a yellow background", "HeunDiscreteScheduler", TALL),
    Wish("a purple elephant", "DEISMultistepScheduler"),
)


def make_page(client: Client, folder: Path, say: Callable[[str], None]) -> list[Shown]:
    """Make every picture of the page, one after the other, and lay them out. Raises NoPicture and Refused."""
    folder.mkdir(parents=True, exist_ok=True)
    side = client.default_side()
    page = []
    for number, wish in enumerate(PAGE, start=1):
        shown = _make(client, wish, side, folder / f"{number}.png", seed=number)
        say(f"  {shown.seconds:5.1f} s  {shown.image.width}x{shown.image.height}  {wish.scheduler:<30} {wish.prompt}")
        page.append(shown)
    contact_sheet(page).save(folder / "contact-sheet.png")
    return page


def _make(client: Client, wish: Wish, side: int, file: Path, *, seed: int) -> Shown:
    width, height = (int(share * side) // SIDE_MULTIPLE * SIDE_MULTIPLE for share in wish.shape)
    began = time.monotonic()
    job = client.request_generation(prompt=wish.prompt, scheduler=wish.scheduler, width=width, height=height, seed=seed)
    job = finished(client, job, time.sleep)
    file.write_bytes(client.content(job["images"][0]["id"]))
    seconds = time.monotonic() - began
    image = Image.open(io.BytesIO(file.read_bytes()))
    image.load()
    if image.size != (width, height):
        raise NoPicture(f"{job['id']} made a picture of another size: {image.size}")
    return Shown(wish, image, file, seconds)


def contact_sheet(page: list[Shown]) -> Image.Image:
    """Return all pictures on one sheet with their prompts."""
    rows = -(-len(page) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL, rows * (CELL + CAPTION)), "#16161a")
    for place, shown in enumerate(page):
        row, column = divmod(place, COLUMNS)
        sheet.paste(_card(shown), (column * CELL, row * (CELL + CAPTION)))
    return sheet


def _card(shown: Shown) -> Image.Image:
    """Return one picture with its words."""
    card = Image.new("RGB", (CELL, CELL + CAPTION), "#16161a")
    room = CELL - 2 * MARGIN
    fitted = ImageOps.contain(shown.image, (room, room), Image.Resampling.LANCZOS)
    card.paste(fitted, ((CELL - fitted.width) // 2, (CELL - fitted.height) // 2))
    draw, font = ImageDraw.Draw(card), ImageFont.load_default(13)
    draw.text((MARGIN, CELL - 4), shown.wish.prompt, "#e8e8ec", font)
    draw.text((MARGIN, CELL + 14), f"{shown.wish.scheduler}, {shown.seconds:.1f} s", "#9a9aa4", font)
    return card
