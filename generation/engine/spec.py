"""What is asked of the engine, within which limits, what it reports and returns: plain values, without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from loras.weights import schedulers

SCHEDULERS = schedulers.SCHEDULERS  # diffusers' class names, the default first

# Limits are inclusive pairs (least, most).
MAX_PROMPT_CHARS = 4000
MAX_BREAKS = 20  # in a prompt; each takes 77 tokens' time in every step
PROMPT_WEIGHT = (-10.0, 10.0)  # of a prompt's part
N = (1, 10)
STEPS = schedulers.STEPS
GUIDANCE = schedulers.GUIDANCE
SIDE = (64, 2048)
SIDE_MULTIPLE = 8
MAX_SEED = 2**32 - 1
MAX_PIXEL_STEPS = 2048 * 2048 * 100  # n * width * height * steps
MAX_LORAS = 20
LORA_WEIGHT = (-2.0, 2.0)
SIGMAS = schedulers.SIGMAS  # how the noise levels are spaced
SPACINGS = schedulers.SPACINGS  # how the timesteps are, where the noise levels follow them
STRENGTH = (0.0, 1.0)
MASK_BLUR = (0, 64)  # pixels
DRAWN_ANEW = 128  # of a mask's 255 levels, and above
MAX_CONTROLNETS = 4
CONTROL_WEIGHT = (0.0, 2.0)
REFINER_START = (0.0, 1.0)  # which part of the denoising the base does
HIRES_SCALE = (1.1, 4.0)
PREVIEWS = (0, 3)


@dataclass(frozen=True)
class LoraUse:
    """One LoRA of a generation: its file, the file's hash, which names it for ever, and how strongly it is put on.

    `autov3` hashes the file without its metadata, which is how other tools know a LoRA; empty when nobody asked.
    """

    name: str
    path: Path
    sha256: str
    weight: float
    autov3: str = ""


@dataclass(frozen=True, eq=False)
class Control:
    """A ControlNet of a generation: its folder, the picture to follow (RGB), how strongly, and in which part of the
    denoising, from 0 to 1. The preprocessor that made the picture and the weights' hash are for those who look later.
    """

    name: str
    source: str
    image: Image.Image
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocess: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Refine:
    """The refiner that takes the latents over after `start` of the denoising, guided as strongly as it wants to be."""

    name: str
    source: str
    start: float
    guidance_scale: float


@dataclass(frozen=True)
class Hires:
    """A second pass: the latents `scale` times as wide and high, noised and denoised again with `strength`."""

    scale: float
    strength: float


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One generation, every value effective: no default is left to resolve. `checkpoint` is a source of load_sdxl's.

    With an `init_image` (RGB, width x height) the pictures start from it, further away the greater the strength; with
    a `mask` (L, width x height, 255 = draw anew) as well, the rest of it stays as it is.
    """

    checkpoint: str
    prompt: str
    negative_prompt: str
    width: int
    height: int
    steps: int
    guidance_scale: float
    seed: int
    n: int
    scheduler: str
    loras: tuple[LoraUse, ...] = ()
    sigmas: str = "default"
    timestep_spacing: str = "default"
    init_image: Image.Image | None = None
    strength: float = 1.0
    mask: Image.Image | None = None
    mask_blur: int = 0
    controls: tuple[Control, ...] = ()
    refiner: Refine | None = None
    hires: Hires | None = None
    exact: bool = False  # drawn alone, so that another run gives the same bits
    previews: int = 0  # how many unfinished pictures to show on the way

    @property
    def final_size(self) -> tuple[int, int]:
        """Return the width and height of the finished pictures."""
        return self._finally(self.width), self._finally(self.height)

    def _finally(self, side: int) -> int:
        return round(side * self.hires.scale / SIDE_MULTIPLE) * SIDE_MULTIPLE if self.hires else side

    def seed_of(self, index: int) -> int:
        """Return the seed of picture `index`: consecutive, wrapping to 0 after MAX_SEED."""
        return (self.seed + index) % (MAX_SEED + 1)


@dataclass(frozen=True)
class StepReport:
    """How far a generation is: denoising steps done, of all the steps it takes."""

    step: int
    steps: int


@dataclass(frozen=True)
class Picture:
    """One finished picture, the seed that makes it again alone, its place in the generation, and what drew it."""

    image: Image.Image
    seed: int
    index: int
    drawn_by: Mapping[str, str]
