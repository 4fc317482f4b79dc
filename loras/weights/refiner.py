"""The one way to load SDXL's refiner, from a diffusers folder or a hub id."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from loras.weights.errors import CheckpointUnusable
from loras.weights.folder import located, weight_files
from loras.weights.sdxl import Sdxl, default_dtype, readable, silence
from loras.weights.sources import content_of, sha256_of


@dataclass(frozen=True)
class Refiner:
    """A refiner on its device; what it lacks (None) it shares with the base it refines for."""

    name: str
    sha256: str  # of the file that holds the UNet
    unet: UNet2DConditionModel
    vae: AutoencoderKL | None
    text_encoder_2: CLIPTextModelWithProjection | None
    tokenizer_2: CLIPTokenizer | None
    scheduler_config: Mapping[str, Any]
    zeros_for_empty_prompt: bool

    @property
    def modules(self) -> tuple[torch.nn.Module, ...]:
        return tuple(module for module in (self.unet, self.vae, self.text_encoder_2) if module is not None)


def load_refiner(source: str, device: torch.device, dtype: torch.dtype | None = None) -> Refiner:
    """Load the refiner onto the device. Raises CheckpointUnusable, see read_refiner."""
    refiner = read_refiner(source, dtype or default_dtype(device))
    for module in refiner.modules:
        module.to(device)
    return refiner


def read_refiner(source: str, dtype: torch.dtype) -> Refiner:
    """Read the refiner into host memory. Raises CheckpointUnusable; only safetensors are read, never pickles."""
    silence()
    with readable(f"The refiner {source}"):
        folder = located(source, dtype)
        refiner = assemble(source, folder, refiner_index(source, folder), dtype)
    refuse_others(source, refiner)
    for module in refiner.modules:
        module.requires_grad_(False).eval()
    refiner.unet.to(memory_format=torch.channels_last)
    if refiner.vae is not None:
        vae_dtype = torch.float32 if refiner.vae.config.force_upcast else dtype
        refiner.vae.to(dtype=vae_dtype, memory_format=torch.channels_last)
    return refiner


def refiner_index(source: str, folder: Path) -> dict[str, Any]:
    """Read model_index.json. Raises CheckpointUnusable for what is no refiner."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise CheckpointUnusable(f"{source} is not a refiner's diffusers folder: it has no model_index.json.")
    values = json.loads(index.read_text())
    if not str(values.get("_class_name")).startswith("StableDiffusionXL"):
        raise CheckpointUnusable(f"{source} holds a {values.get('_class_name')}, not an SDXL refiner.")
    if has(values, "text_encoder"):
        raise CheckpointUnusable(f"{source} has two text encoders: it is a base checkpoint, not a refiner.")
    return values


def shared_in(folder: Path) -> list[str]:
    """Return the parts that a refiner's `darkroom.json` has from its base, though diffusers' index must name them."""
    card = folder / "darkroom.json"
    return list(content_of(card).get("shares", [])) if card.is_file() else []


def has(index: Mapping[str, Any], part: str) -> bool:
    return any(index.get(part) or ())  # an absent part is written as [null, null]


def assemble(source: str, folder: Path, index: Mapping[str, Any], dtype: torch.dtype) -> Refiner:
    """Read the parts there are, each with its own class: nothing else in the folder is run."""
    shared = shared_in(folder)
    own = {part: has(index, part) and part not in shared for part in ("vae", "text_encoder_2")}
    text = own["text_encoder_2"]
    return Refiner(
        name=folder.resolve().name if Path(source).is_dir() else source,
        sha256=sha256_of(weight_files(folder / "unet", dtype)[1]),
        unet=part(UNet2DConditionModel, folder / "unet", dtype),
        vae=part(AutoencoderKL, folder / "vae", torch.float32) if own["vae"] else None,
        text_encoder_2=part(CLIPTextModelWithProjection, folder / "text_encoder_2", dtype) if text else None,
        tokenizer_2=CLIPTokenizer.from_pretrained(folder / "tokenizer_2", local_files_only=True) if text else None,
        scheduler_config=json.loads((folder / "scheduler/scheduler_config.json").read_text()),
        zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
    )


def part(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    variant, _ = weight_files(folder, dtype)
    return kind.from_pretrained(folder, dtype=dtype, variant=variant, use_safetensors=True, local_files_only=True)


def refuse_others(source: str, refiner: Refiner) -> None:
    """Refuse UNets that are not a refiner's, and files that leave weights out."""
    for module in refiner.modules:
        missing = [name for name, tensor in module.state_dict().items() if tensor.is_meta]
        if missing:
            raise CheckpointUnusable(f"{source} is incomplete: its {type(module).__name__} lacks {missing[0]}.")
    config = refiner.unet.config
    if config.in_channels != 4 or config.addition_embed_type != "text_time":
        raise CheckpointUnusable(f"{source} is not conditioned as SDXL's refiner is (text, size, crop and score).")
    # The refiner is told five numbers: size, crop and an aesthetic score. The base is told six.
    pooled = config.projection_class_embeddings_input_dim - 5 * config.addition_time_embed_dim
    if config.cross_attention_dim != pooled:
        raise CheckpointUnusable(f"{source} is conditioned as a base checkpoint is, not as a refiner.")
    if refiner.text_encoder_2 is None or refiner.tokenizer_2 is None:
        return
    words, known = len(refiner.tokenizer_2), refiner.text_encoder_2.config.vocab_size
    if words != known:
        raise CheckpointUnusable(
            f"{source} is incomplete: its tokenizer_2 has {words} words, its text_encoder_2 {known}."
        )


def refuse_other_base(refiner: Refiner, sdxl: Sdxl) -> None:
    """Raise CheckpointUnusable when the refiner reads other text embeddings than the encoder it would use gives."""
    encoder = refiner.text_encoder_2 or sdxl.text_encoder_2
    width = refiner.unet.config.cross_attention_dim
    if encoder.config.hidden_size != width:
        raise CheckpointUnusable(
            f"The refiner {refiner.name} does not fit the checkpoint {sdxl.name}: "
            f"it reads text embeddings of width {width}, the text encoder gives {encoder.config.hidden_size}."
        )
