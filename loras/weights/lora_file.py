"""Says what a LoRA file is from its header alone: its layers, ranks and alphas, or in words why it is none for SDXL."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from loras.weights.alphas import adapter_settings, read_alpha, settled_alpha
from loras.weights.errors import LoraUnusable
from loras.weights.header import Header, read_header
from loras.weights.keys import Key, read_key

DTYPES = ("F16", "BF16", "F32")
MAX_RANK = 1024

# What tensors' names give away, as regular expressions.
NO_LORAS = {
    r"^model\.diffusion_model\.|^first_stage_model\.|^conditioner\.": "a whole checkpoint",
    r"^emb_params$|^clip_[gl]$|^string_to_param": "a textual inversion",
    r"^control_model\.|^controlnet_": "a ControlNet",
}
OTHER_KINDS = {
    r"\.dora_scale$|\.lora_magnitude_vector": "a DoRA",
    r"\.hada_": "a LoHa",
    r"\.lokr_": "a LoKr",
    r"\.oft_": "an OFT",
    r"\.on_input$": "an IA3",
    r"\.a1\.weight$": "a GLoRA",
    r"\.lora_mid\.": "a LoCon with a Tucker decomposition",
    r"\.diff(_b)?$": "a file of full weight differences",
}
OTHER_FAMILIES = {
    r"double_blocks|single_blocks|single_transformer_blocks": "Flux",
    r"joint_blocks": "Stable Diffusion 3",
    r"^(transformer|lora_transformer|diffusion_model\.(blocks|layers))[._]": "a diffusion transformer",
    r"^lora_te_": "Stable Diffusion 1 or 2",
    # SDXL has no attention at its first and last level.
    r"down_blocks[._]0[._]attentions|up_blocks[._]3[._]|input_blocks[._]1[._]1[._]": "Stable Diffusion 1 or 2",
}
CONTEXT_WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 1280: "the SDXL refiner"}


@dataclass(frozen=True)
class LoraLayer:
    """What the file holds for one layer: W + scale * up @ down."""

    part: str
    layer: str
    down: str
    up: str
    rank: int
    alpha: float

    @property
    def scale(self) -> float:
        return self.alpha / self.rank


@dataclass(frozen=True)
class LoraFile:
    """A LoRA for a checkpoint built as SDXL is; context_width is that of the text it was trained with, if it says."""

    header: Header
    layers: tuple[LoraLayer, ...]
    context_width: int | None


def read_lora_file(file: BinaryIO) -> LoraFile:
    """Read what a file says it is; its numbers are not looked at but for alphas. Raises LoraUnusable."""
    header = read_header(file)
    refuse_other_kinds(header.tensors)
    grouped = group(header.tensors)
    refuse_other_families(header.tensors)
    settings = adapter_settings(header.metadata)
    layers = tuple(lora_layer(file, header, place, names, settings) for place, names in grouped.items())
    return LoraFile(header, layers, context_width(layers, header))


def refuse_other_kinds(names: Iterable[str]) -> None:
    """Refuse what other tools call a LoRA too but needs other arithmetic, and what is none at all."""
    if kind := given_away(names, NO_LORAS):
        raise LoraUnusable("not_a_lora", f"This file is {kind}, not a LoRA.")
    if kind := given_away(names, OTHER_KINDS):
        raise LoraUnusable("unsupported_lora_kind", f"This file is {kind}; only plain LoRAs are supported.")


def given_away(names: Iterable[str], signs: Mapping[str, str]) -> str | None:
    """Return what the first sign found in any name stands for."""
    return next((kind for sign, kind in signs.items() if any(re.search(sign, name) for name in names)), None)


def group(names: Iterable[str]) -> dict[tuple[str, str], dict[str, str]]:
    """Collect the tensors' names by layer and role."""
    keys = {name: read_key(name) for name in names}
    if not any(keys.values()):
        raise LoraUnusable("not_a_lora", "This file holds no LoRA: none of its tensors is named as one.")
    layers: dict[tuple[str, str], dict[str, str]] = {}
    for name, key in keys.items():
        if key is None:
            raise LoraUnusable("unsupported_lora_kind", f"Beside LoRA layers the file holds {name[:200]!r}.")
        if key.role in layers.setdefault((key.part, key.layer), {}):
            raise malformed(key, "stands twice")
        layers[key.part, key.layer][key.role] = name
    return layers


def malformed(key: Key | tuple[str, str], what: str) -> LoraUnusable:
    return LoraUnusable("malformed_lora", f"The LoRA's layer {key[1][:200]!r} of the {key[0]} {what}.")


def refuse_other_families(names: Iterable[str]) -> None:
    if family := given_away(names, OTHER_FAMILIES):
        raise other_family(family)


def other_family(family: str) -> LoraUnusable:
    return LoraUnusable("lora_base_mismatch", f"This LoRA was trained for {family}; it does not fit SDXL.")


def lora_layer(
    file: BinaryIO, header: Header, place: tuple[str, str], names: Mapping[str, str], settings: Mapping[str, Any]
) -> LoraLayer:
    if "down" not in names or "up" not in names:
        raise malformed(place, "lacks its down or its up half")
    down, up = header.tensors[names["down"]], header.tensors[names["up"]]
    for half in (down, up):
        if half.dtype not in DTYPES:
            raise LoraUnusable("unsupported_dtype", f"A LoRA's weights are F16, BF16 or F32, this file's {half.dtype}.")
    if len(down.shape) not in (2, 4) or len(up.shape) not in (2, 4) or 0 in down.shape + up.shape:
        raise malformed(place, "is neither linear nor a convolution")
    rank = down.shape[0]
    if rank > MAX_RANK:
        raise LoraUnusable("rank_too_large", f"The LoRA has rank {rank}; at most {MAX_RANK} is supported.")
    if up.shape[1] != rank:
        raise malformed(place, f"has halves of rank {rank} and {up.shape[1]}")
    if "alpha" in names:
        alpha = read_alpha(file, header.tensors[names["alpha"]])
    else:
        alpha = settled_alpha(settings, place[0], names["down"], rank)
    return LoraLayer(*place, names["down"], names["up"], rank, alpha)


def context_width(layers: Iterable[LoraLayer], header: Header) -> int | None:
    """Return the width of the text embeddings the LoRA's cross attention reads. Raises LoraUnusable for others'."""
    for layer in layers:
        if layer.part == "unet" and layer.layer.endswith(("attn2_to_k", "attn2_to_v")):
            width = header.tensors[layer.down].shape[1]
            if width in CONTEXT_WIDTHS:
                raise other_family(CONTEXT_WIDTHS[width])
            return width
    return None
