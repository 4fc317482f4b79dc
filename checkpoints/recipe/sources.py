"""Stage 1, `data`: where do the pictures come from? Icon sets with free licences, drawn once to RGBA arrays."""

import argparse
import io
import json
import subprocess
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

from checkpoints.recipe.concepts import CORE, phrase, wanted

# npm packages, pinned. Licences: MIT and MIT (Microsoft), Apache-2.0 (Google); see checkpoints/NOTICE.
PACKAGES = {
    "fluent": ("fluent-emoji", "1.2.7"),
    "flat": ("fluent-emoji-flat", "1.2.6"),
    "noto": ("noto", "1.2.9"),
    "inkline": ("fluent-emoji-high-contrast", "1.2.6"),
}
STYLES = ("fluent", "flat", "noto")  # what the base learns
UNSEEN = "inkline"  # black on nothing: the base never sees it, so that a LoRA has a style to learn
SIDE, ICON_SIDE = 128, 112
NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


@dataclass(frozen=True)
class Icon:
    """One drawn icon: row `i` of icons.npy is `Icon` number `i` of icons.json."""

    name: str
    concept: str
    style: str
    category: str
    core: bool


def fetch(style: str, folder: Path) -> Path:
    """Fetch one icon package through npm, once, and return its unpacked folder."""
    package, version = PACKAGES[style]
    unpacked = folder / f"{package}-{version}"
    if not (unpacked / "package" / "icons.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", f"@iconify-json/{package}@{version}"], cwd=folder, check=True)
        with tarfile.open(folder / f"iconify-json-{package}-{version}.tgz") as archive:
            archive.extractall(unpacked, filter="data")
    return unpacked / "package"


def draw(icon: dict, viewbox: tuple[int, int]) -> np.ndarray:
    """Draw one SVG body centred on a transparent canvas: uint8 [128, 128, 4]."""
    width, height = icon.get("width", viewbox[0]), icon.get("height", viewbox[1])
    head = f'<svg {NAMESPACES} viewBox="0 0 {width} {height}">'
    png = resvg_py.svg_to_bytes(svg_string=f"{head}{icon['body']}</svg>", width=ICON_SIDE, skip_system_fonts=True)
    drawn = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    drawn.thumbnail((ICON_SIDE, ICON_SIDE))
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(drawn, ((SIDE - drawn.width) // 2, (SIDE - drawn.height) // 2))
    return np.asarray(canvas)


def catalogue(packages: dict[str, Path]) -> list[tuple[str, str]]:
    """List (icon name, category) of every wanted icon that at least two of the base's sets have."""
    categories = json.loads((packages["flat"] / "metadata.json").read_text())["categories"]
    sets = [set(json.loads((packages[style] / "icons.json").read_text())["icons"]) for style in STYLES]
    return [
        (name, category)
        for category, names in categories.items()
        for name in names
        if wanted(name, category) and sum(name in each for each in sets) >= 2
    ]


def make(state: Path) -> None:
    """Fetch and draw everything: icons.npy (uint8 [n, 128, 128, 4]) and icons.json beside it; the unseen set apart."""
    packages = {style: fetch(style, state / "npm") for style in PACKAGES}
    names = catalogue(packages)
    base = [drawing for style in STYLES for drawing in draw_set(style, packages[style], names)]
    store(state, "icons", base)
    store(state, UNSEEN, draw_set(UNSEEN, packages[UNSEEN], names))
    icons = [icon for icon, _ in base]
    concepts = {icon.concept for icon in icons}
    print(f"{len(icons)} icons, {len(concepts)} concepts, {len({i.concept for i in icons if i.core})} of them core")
    print("core names without an icon:", sorted(CORE - {icon.name for icon in icons}))


def draw_set(style: str, folder: Path, names: list[tuple[str, str]]) -> list[tuple[Icon, np.ndarray]]:
    """Draw those of the named icons that one package has."""
    collection = json.loads((folder / "icons.json").read_text())
    viewbox = (collection.get("width", 16), collection.get("height", 16))
    return [
        (Icon(name, phrase(name), style, category, name in CORE), draw(collection["icons"][name], viewbox))
        for name, category in names
        if name in collection["icons"]
    ]


def store(state: Path, name: str, drawings: list[tuple[Icon, np.ndarray]]) -> None:
    """Write drawings for `load`."""
    np.save(state / f"{name}.npy", np.stack([pixels for _, pixels in drawings]))
    (state / f"{name}.json").write_text(json.dumps([asdict(icon) for icon, _ in drawings], indent=0))


def load(state: Path, name: str = "icons") -> tuple[list[Icon], np.ndarray]:
    """Load what `make` left: the icons and their pixels (memory-mapped)."""
    icons = [Icon(**row) for row in json.loads((state / f"{name}.json").read_text())]
    return icons, np.load(state / f"{name}.npy", mmap_mode="r")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    make(parser.parse_args().state)
