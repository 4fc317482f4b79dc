"""The one way to load a ControlNet for SDXL, from a diffusers folder or a hub id."""

import json
from pathlib import Path

import torch
from diffusers import ControlNetModel
from huggingface_hub import snapshot_download

from loras.weights.errors import CheckpointUnusable
from loras.weights.folder import weight_files
from loras.weights.sdxl import Sdxl, default_dtype, readable, silence
from loras.weights.sources import is_hub_id

FILES = ["config.json", "*.safetensors"]


def load_controlnet(source: str, device: torch.device, dtype: torch.dtype | None = None) -> ControlNetModel:
    """Load the ControlNet onto the device. Raises CheckpointUnusable, see read_controlnet."""
    return read_controlnet(source, dtype or default_dtype(device)).to(device)


def read_controlnet(source: str, dtype: torch.dtype) -> ControlNetModel:
    """Read the ControlNet into host memory. Raises CheckpointUnusable; only safetensors are read, never pickles."""
    silence()
    with readable(f"The ControlNet {source}"):
        folder = controlnet_folder(source)
        kind = json.loads((folder / "config.json").read_text()).get("_class_name")
        if kind != "ControlNetModel":
            raise CheckpointUnusable(f"{source} holds a {kind}, not a ControlNetModel.")
        variant, _ = weight_files(folder, dtype)
        controlnet = ControlNetModel.from_pretrained(
            folder, dtype=dtype, variant=variant, use_safetensors=True, local_files_only=True
        )
    refuse_other_families(source, controlnet)
    return controlnet.requires_grad_(False).eval().to(memory_format=torch.channels_last)


def controlnet_folder(source: str) -> Path:
    """Return the folder a source names, fetched from the hub unless it is one here or cached."""
    if (Path(source) / "config.json").is_file():
        return Path(source)
    if Path(source).exists() or not is_hub_id(source):
        raise CheckpointUnusable(
            f"There is no ControlNet at {source}: give a diffusers folder (config.json and .safetensors) or a hub id."
        )
    with readable(f"The ControlNet {source}"):
        return Path(snapshot_download(source, allow_patterns=FILES))


def refuse_other_families(source: str, controlnet: ControlNetModel) -> None:
    """Refuse what is no ControlNet for SDXL, and files that leave weights out."""
    missing = [name for name, tensor in controlnet.state_dict().items() if tensor.is_meta]
    if missing:
        raise CheckpointUnusable(f"{source} is incomplete: it lacks {missing[0]}.")
    if controlnet.config.addition_embed_type != "text_time":
        raise CheckpointUnusable(f"{source} was made for another model than SDXL: it is not told sizes and crops.")
    if controlnet.config.in_channels != 4 or controlnet.config.conditioning_channels != 3:
        raise CheckpointUnusable(f"{source} does not take SDXL's latents (4 channels) and an RGB picture.")


def refuse_other_base(controlnet: ControlNetModel, sdxl: Sdxl) -> None:
    """Raise CheckpointUnusable when the ControlNet was made for a UNet of other sizes than the checkpoint's."""
    for name in ("block_out_channels", "cross_attention_dim", "projection_class_embeddings_input_dim"):
        theirs, ours = controlnet.config[name], sdxl.unet.config[name]
        if plain(theirs) != plain(ours):
            raise CheckpointUnusable(
                f"The ControlNet does not fit the checkpoint {sdxl.name}: its {name} is {theirs}, not {ours}."
            )


def plain(value: object) -> object:
    """JSON gives lists where defaults are tuples."""
    return tuple(value) if isinstance(value, list) else value
