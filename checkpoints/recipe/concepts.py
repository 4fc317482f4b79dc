"""Which things does the mini SDXL draw, what are they called, and which does it draw most?"""

import re
from pathlib import Path

HERE = Path(__file__).parent

# Dropped: what a prompt would not ask for, or what differs only by a detail that no 128-pixel picture shows.
DROPPED_CATEGORIES = {"Flags"}
DROPPED = re.compile(
    r"(-oclock|-thirty|-skin-tone)$|^keycap-|^(man|woman|person|mrs|mx|old)-|^japanese-.*(button|beginner)$"
    r"|-facing-right$|-(light|medium|dark|medium-light|medium-dark)$"
)


def lines_of(name: str) -> list[str]:
    """Read a word list without its comments."""
    return [line for line in (HERE / name).read_text().splitlines() if line and not line.startswith("#")]


CORE = {word for line in lines_of("core.txt") for word in line.split()}
FAVOURITES = {word for line in lines_of("favourites.txt") for word in line.split()}
PHRASES = dict(line.split(" = ") for line in lines_of("phrases.txt"))


def phrase(icon: str) -> str:
    """Say an icon's name the way a prompt says it: `hot-pepper` -> `chili pepper`."""
    return PHRASES.get(icon, icon.replace("-", " "))


def wanted(icon: str, category: str) -> bool:
    """Tell whether an icon is worth drawing."""
    return category not in DROPPED_CATEGORIES and not DROPPED.search(icon)
