"""Reads SDXL from a diffusers folder, one of this machine or one fetched from the hub."""

import json
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, DiffusionPipeline

from loras.weights.errors import CheckpointUnusable
from loras.weights.sources import is_hub_id

# SDXL's own VAE overflows in fp16; this one is the same VAE with smaller activations.
FP16_VAES = {"stabilityai/stable-diffusion-xl-base-1.0": "madebyollin/sdxl-vae-fp16-fix"}


def downloaded(hub_id: str, dtype: torch.dtype) -> Path:
    """Return the local folder of a hub checkpoint, fetched unless it is cached; fp16 files where fp16 is wanted."""
    if not is_hub_id(hub_id):
        raise CheckpointUnusable(
            f"There is no checkpoint at {hub_id}: "
            "give a diffusers folder, a .safetensors file or a hub id (owner/name)."
        )
    variant = "fp16" if dtype == torch.float16 else None
    return Path(diffusers.StableDiffusionXLPipeline.download(hub_id, variant=variant, use_safetensors=True))


def located(source: str, dtype: torch.dtype) -> Path:
    """Return where a source's files are: the folder or file it names, or the folder of a hub id, fetched if need be."""
    path = Path(source)
    return path if path.is_file() or path.is_dir() else downloaded(source, dtype)


def fp16_vae(source: str, dtype: torch.dtype) -> AutoencoderKL | None:
    if dtype != torch.float16 or source not in FP16_VAES or Path(source).is_dir():
        return None
    return AutoencoderKL.from_pretrained(FP16_VAES[source], dtype=dtype, use_safetensors=True)


def pipeline_from_folder(
    folder: Path, dtype: torch.dtype, vae: AutoencoderKL | None = None
) -> tuple[DiffusionPipeline, list[Path]]:
    """Read a diffusers folder, with another VAE if one is given; return it and the UNet's files."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise CheckpointUnusable(f"The folder {folder} is not a diffusers checkpoint: it has no model_index.json.")
    kind = json.loads(index.read_text()).get("_class_name")
    if not str(kind).startswith("StableDiffusionXL"):
        raise CheckpointUnusable(f"The folder {folder} holds a {kind}, not an SDXL.")
    variant, weights = weight_files(folder / "unet", dtype)
    replacement = {} if vae is None else {"vae": vae}
    pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(
        folder,
        dtype={"default": dtype, "vae": torch.float32},  # text encoders would else follow their config.json
        variant=variant,
        use_safetensors=True,
        local_files_only=True,
        add_watermarker=False,
        **replacement,
    )
    return pipeline, weights


def weight_files(part: Path, dtype: torch.dtype) -> tuple[str | None, list[Path]]:
    """Choose between plain and .fp16. files: the plain ones for fp32, whichever there are otherwise."""
    files = sorted(part.glob("*.safetensors"))
    half = [file for file in files if ".fp16" in file.name]
    full = [file for file in files if ".fp16" not in file.name]
    if not files:
        raise CheckpointUnusable(
            f"The checkpoint {part.parent} has no {part.name}/*.safetensors; pickled weights are not read."
        )
    return ("fp16", half) if half and (dtype == torch.float16 or not full) else (None, full)
