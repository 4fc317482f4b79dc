"""Which lines does a picture have? Canny's edges, the very ones OpenCV finds, and a scribble of them."""

import numpy as np
from PIL import Image, ImageFilter

SLANT = 13573 / 32768  # tan 22.5 degrees, in the fixed point OpenCV uses


def canny(picture: np.ndarray, *, low: int = 100, high: int = 200) -> np.ndarray:
    """Find the edges of a picture uint8 [h, w, 3]: bool [h, w], lines one pixel wide (Canny 1986, without smoothing).

    The thresholds are of the summed absolute Sobel steps; 100 and 200 are what everybody gives OpenCV's.
    """
    across, down = sobel(picture)
    steep = np.abs(across) + np.abs(down)
    # Every pixel takes its slope from the colour channel in which that is steepest: red on green is an edge too.
    best = steep.argmax(-1)[..., None]
    across, down, steep = (np.take_along_axis(each, best, -1)[..., 0] for each in (across, down, steep))
    ridge = (steep > low) & is_ridge(across, down, steep)
    return grown(ridge & (steep > high), ridge)


def sobel(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure how steeply each channel rises to the right and downwards: two int32 [h, w, c]."""
    padded = np.pad(picture.astype(np.int32), ((1, 1), (1, 1), (0, 0)), mode="edge")
    columns = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return columns[:, 2:] - columns[:, :-2], rows[2:] - rows[:-2]


def is_ridge(across: np.ndarray, down: np.ndarray, steep: np.ndarray) -> np.ndarray:
    """Tell where a pixel is the steepest of the three that lie along its slope, so that lines become one pixel wide."""
    padded = np.pad(steep, 1)
    height, width = steep.shape

    def shifted(y: int, x: int) -> np.ndarray:
        return padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]

    flat = np.abs(down) < SLANT * np.abs(across)
    upright = np.abs(down) > (SLANT + 2) * np.abs(across)
    falling = (across ^ down) >= 0  # both rise, or both fall: the slope runs from the upper left to the lower right
    diagonal = np.where(
        falling,
        (steep > shifted(-1, -1)) & (steep > shifted(1, 1)),
        (steep > shifted(-1, 1)) & (steep > shifted(1, -1)),
    )
    level = (steep > shifted(0, -1)) & (steep >= shifted(0, 1))
    plumb = (steep > shifted(-1, 0)) & (steep >= shifted(1, 0))
    return np.where(flat, level, np.where(upright, plumb, diagonal))


def grown(seeds: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Let sure edges run on along unsure ones, to all eight neighbours, until nothing changes."""
    while True:
        more = widened(seeds) & allowed
        if (more == seeds).all():
            return seeds
        seeds = more


def widened(lines: np.ndarray) -> np.ndarray:
    """Widen lines by one pixel to every side: bool [h, w]."""
    padded = np.pad(lines, 1)
    rows = padded[:-2] | padded[1:-1] | padded[2:]
    return rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]


def scribble(picture: np.ndarray) -> np.ndarray:
    """Sketch a picture as if with a mouse: only the strong lines, rounded, three pixels wide: bool [h, w]."""
    soft = Image.fromarray(picture).filter(ImageFilter.GaussianBlur(2))
    return widened(canny(np.asarray(soft), low=50, high=100))


KINDS = {"canny": canny, "scribble": scribble}
