"""The one way to load SDXL, from a diffusers folder, a single .safetensors file or a hub id."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from loras.weights.errors import CheckpointUnusable
from loras.weights.single_file import pipeline_from_single_file

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
# SDXL's own VAE overflows in fp16; this one is the same VAE with smaller activations.
FP16_VAES = {"stabilityai/stable-diffusion-xl-base-1.0": "madebyollin/sdxl-vae-fp16-fix"}
# What diffusers and transformers raise for files they cannot make sense of. OSError covers the hub's errors too.
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
)


@dataclass(frozen=True)
class Sdxl:
    """An SDXL base checkpoint on its device; `sha256` is of the file that holds the UNet."""

    name: str
    sha256: str
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    text_encoder_2: CLIPTextModelWithProjection
    tokenizer: CLIPTokenizer
    tokenizer_2: CLIPTokenizer
    scheduler_config: Mapping[str, Any]
    zeros_for_empty_prompt: bool

    @property
    def device(self) -> torch.device:
        return self.unet.device

    @property
    def dtype(self) -> torch.dtype:
        """Return the dtype of the UNet and the text encoders; the VAE has its own."""
        return self.unet.dtype


def load_sdxl(source: str, device: torch.device) -> Sdxl:
    """Load the checkpoint at a folder, file or hub id in the device's dtype: fp16 on CUDA, fp32 elsewhere.

    Raises CheckpointUnusable. Only safetensors are read, never pickles, and the network is used for hub ids alone.
    """
    silence()
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    path = Path(source)
    try:
        if path.is_file():
            pipeline, weights = pipeline_from_single_file(path, dtype), [path]
        else:
            folder = path if path.is_dir() else download(source, dtype)
            pipeline, weights = pipeline_from_folder(folder, dtype, vae=fp16_vae(source, dtype))
    except UNREADABLE as error:
        raise CheckpointUnusable(f"The checkpoint {source} cannot be read: {error}") from error
    refuse_other_kinds(source, pipeline)
    name = path.stem if path.is_file() else path.resolve().name if path.is_dir() else source
    return bundle(pipeline, device, name=name, sha256=sha256_of(weights))


def silence() -> None:
    """Keep diffusers and transformers from commenting on every load and call.

    Importing StableDiffusionXLPipeline comments too; spelled diffusers.StableDiffusionXLPipeline, that happens later.
    """
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def download(hub_id: str, dtype: torch.dtype) -> Path:
    """Return the local folder of a hub checkpoint, fetched unless it is cached; fp16 files where fp16 is wanted."""
    # "checkpoints/mini" looks like a hub id; where its first part is a folder here, a missing folder is meant.
    if not HUB_ID.fullmatch(hub_id) or Path(hub_id).parent.is_dir():
        raise CheckpointUnusable(
            f"There is no checkpoint at {hub_id}: "
            "give a diffusers folder, a .safetensors file or a hub id (owner/name)."
        )
    variant = "fp16" if dtype == torch.float16 else None
    return Path(diffusers.StableDiffusionXLPipeline.download(hub_id, variant=variant, use_safetensors=True))


def fp16_vae(source: str, dtype: torch.dtype) -> AutoencoderKL | None:
    if dtype != torch.float16 or source not in FP16_VAES:
        return None
    return AutoencoderKL.from_pretrained(FP16_VAES[source], dtype=dtype, use_safetensors=True)


def pipeline_from_folder(
    folder: Path, dtype: torch.dtype, vae: AutoencoderKL | None
) -> tuple[DiffusionPipeline, list[Path]]:
    """Read a diffusers folder, with another VAE if one is given; return it and the UNet's files."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise CheckpointUnusable(f"The folder {folder} is not a diffusers checkpoint: it has no model_index.json.")
    kind = json.loads(index.read_text()).get("_class_name")
    if not str(kind).startswith("StableDiffusionXL"):
        raise CheckpointUnusable(f"The folder {folder} holds a {kind}, not an SDXL.")
    variant, weights = unet_files(folder, dtype)
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


def unet_files(folder: Path, dtype: torch.dtype) -> tuple[str | None, list[Path]]:
    """Choose between plain and .fp16. files: the plain ones for fp32, whichever there are otherwise."""
    files = sorted((folder / "unet").glob("*.safetensors"))
    half = [file for file in files if ".fp16" in file.name]
    full = [file for file in files if ".fp16" not in file.name]
    if not files:
        raise CheckpointUnusable(f"The checkpoint {folder} has no unet/*.safetensors; pickled weights are not read.")
    return ("fp16", half) if half and (dtype == torch.float16 or not full) else (None, full)


def refuse_other_kinds(source: str, pipeline: DiffusionPipeline) -> None:
    """Refuse what SDXL's pipeline would accept but this engine would draw wrongly."""
    if pipeline.text_encoder is None or pipeline.text_encoder_2 is None:
        raise CheckpointUnusable(f"{source} is an SDXL refiner; a base checkpoint with two text encoders is needed.")
    config = pipeline.unet.config
    if config.in_channels != 4:
        raise CheckpointUnusable(f"{source} takes {config.in_channels} input channels; SDXL base takes 4.")
    if config.addition_embed_type != "text_time" or config.time_cond_proj_dim is not None:
        raise CheckpointUnusable(f"{source} is not conditioned as SDXL base is (text, size and crop).")


def bundle(pipeline: DiffusionPipeline, device: torch.device, *, name: str, sha256: str) -> Sdxl:
    """Put the components on the device; a VAE that overflows in fp16 stays fp32."""
    vae_dtype = torch.float32 if pipeline.vae.config.force_upcast else pipeline.unet.dtype
    parts = (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2)
    for part in parts:
        part.requires_grad_(False).eval().to(device)
    return Sdxl(
        name=name,
        sha256=sha256,
        unet=pipeline.unet.to(memory_format=torch.channels_last),
        vae=pipeline.vae.to(dtype=vae_dtype, memory_format=torch.channels_last),
        text_encoder=pipeline.text_encoder,
        text_encoder_2=pipeline.text_encoder_2,
        tokenizer=pipeline.tokenizer,
        tokenizer_2=pipeline.tokenizer_2,
        scheduler_config=pipeline.scheduler.config,
        zeros_for_empty_prompt=pipeline.config.force_zeros_for_empty_prompt,
    )


def sha256_of(files: Iterable[Path]) -> str:
    """Hash the files as one; a sharded UNet has several."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
