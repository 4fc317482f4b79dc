"""Says what a checkpoint or a ControlNet is by its JSON and its files' headers, before anybody loads it: no torch."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from loras.weights.errors import CheckpointUnusable, LoraUnusable
from loras.weights.header import Header, read_header

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# What a single file in Stability's layout is known by.
UNET_INPUT = "model.diffusion_model.input_blocks.0.0.weight"
TEXT_ENCODER_2 = "conditioner.embedders.1.model.text_projection"
REFINERS_TEXT_ENCODER = "conditioner.embedders.0.model.text_projection"

SDXL_WIDTH, REFINER_WIDTH = 2048, 1280
OTHER_WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2"}


@dataclass(frozen=True)
class CheckpointFacts:
    """What a checkpoint is for, and how wide the text is that its UNet reads: None for a hub id, which is not asked."""

    kind: Literal["base", "refiner"]
    context_width: int | None


@dataclass(frozen=True)
class ControlNetFacts:
    """For how wide a text a ControlNet was made, and the hash of its weights."""

    context_width: int
    sha256: str


def read_checkpoint(source: str) -> CheckpointFacts:
    """Look at a diffusers folder or a .safetensors file; take a hub id at its word. Raises CheckpointUnusable."""
    path = Path(source)
    if path.is_dir():
        return checkpoint_in_folder(path)
    if path.is_file():
        return checkpoint_in_file(path)
    if is_hub_id(source):
        return CheckpointFacts("base", None)
    raise CheckpointUnusable(
        f"There is no checkpoint at {source}: give a diffusers folder, a .safetensors file or a hub id (owner/name)."
    )


def is_hub_id(source: str) -> bool:
    """Say whether a hub's checkpoint is meant: "checkpoints/mini" looks like one, where "checkpoints" is no folder."""
    return HUB_ID.fullmatch(source) is not None and not Path(source).parent.is_dir()


def checkpoint_in_folder(folder: Path) -> CheckpointFacts:
    if not (folder / "model_index.json").is_file():
        raise CheckpointUnusable(f"The folder {folder} is not a diffusers checkpoint: it has no model_index.json.")
    index = content_of(folder / "model_index.json")
    name = index.get("_class_name")
    if not str(name).startswith("StableDiffusionXL"):
        raise CheckpointUnusable(f"The folder {folder} holds a {name}, not an SDXL.")
    unet = content_of(folder / "unet" / "config.json")
    if unet.get("in_channels") != 4:
        raise CheckpointUnusable(f"{folder} takes {unet.get('in_channels')} input channels; SDXL takes 4.")
    width = width_of(folder, unet)
    header_of_all(weights_in(folder / "unet"))
    return CheckpointFacts("base" if (index.get("text_encoder") or [None])[0] else "refiner", width)


def refuse_other_files(path: Path) -> None:
    """Raise CheckpointUnusable for a pickle or anything else, before it is opened."""
    if path.suffix != ".safetensors":
        raise CheckpointUnusable(f"{path.name} is not a .safetensors file; no other kind of file is read.")


def checkpoint_in_file(path: Path) -> CheckpointFacts:
    refuse_other_files(path)
    names = header_of(path).tensors.keys()
    if UNET_INPUT in names and TEXT_ENCODER_2 in names:
        return CheckpointFacts("base", SDXL_WIDTH)
    if UNET_INPUT in names and REFINERS_TEXT_ENCODER in names:
        return CheckpointFacts("refiner", REFINER_WIDTH)
    missing = min({UNET_INPUT, TEXT_ENCODER_2} - names)
    raise CheckpointUnusable(f"{path.name} is not a full SDXL checkpoint: it lacks {missing}.")


def read_controlnet(folder: Path) -> ControlNetFacts:
    """Look at a ControlNet's folder. Raises CheckpointUnusable."""
    if not (folder / "config.json").is_file():
        raise CheckpointUnusable(f"{folder} is not the folder of a ControlNet: it has no config.json.")
    config = content_of(folder / "config.json")
    if config.get("_class_name") != "ControlNetModel":
        raise CheckpointUnusable(f"The folder {folder} holds a {config.get('_class_name')}, not a ControlNetModel.")
    width = width_of(folder, config)
    weights = weights_in(folder)
    header_of_all(weights)
    return ControlNetFacts(width, sha256_of(weights))


def width_of(folder: Path, config: dict[str, Any]) -> int:
    """Return how wide the text is that a network reads. Raises CheckpointUnusable where it is not SDXL's kind."""
    width = config.get("cross_attention_dim")
    if config.get("addition_embed_type") != "text_time":
        made_for = OTHER_WIDTHS.get(width, "another model") if isinstance(width, int) else "another model"
        raise CheckpointUnusable(f"{folder} is made for {made_for}: it is not conditioned as SDXL is (text and size).")
    if type(width) is not int or width < 1:
        raise CheckpointUnusable(f"The config.json of {folder} does not say for how wide a text it is made.")
    return width


def weights_in(folder: Path) -> list[Path]:
    """Return the files of weights: the plain ones, or the .fp16. ones where there are no others."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CheckpointUnusable(f"{folder} has no *.safetensors; pickled weights are not read.")
    return [file for file in files if ".fp16" not in file.name] or files


def content_of(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointUnusable(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointUnusable(f"{path} is not a JSON object.")
    return content


def header_of_all(paths: Iterable[Path]) -> None:
    """Hold that each file is a whole one."""
    for path in paths:
        header_of(path)


def header_of(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            return read_header(file)
    except (LoraUnusable, OSError) as error:
        raise CheckpointUnusable(f"{path} cannot be used: {error}") from error


def sha256_of(files: Iterable[Path]) -> str:
    """Hash the files as one; a sharded UNet has several. Unchanged ones are not read again."""
    return digest_of(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files))


@lru_cache(256)
def digest_of(files: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
