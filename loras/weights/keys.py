"""Knows how LoRA files spell the layers they change, in the ways of the tools that write them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PARTS = ("unet", "text_encoder", "text_encoder_2")
PREFIXES = {
    "lora_unet_": "unet",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "unet.": "unet",
    "text_encoder.": "text_encoder",
    "text_encoder_2.": "text_encoder_2",
    "base_model.model.": "unet",  # a PEFT model saved by itself
    "lycoris_": "unet",  # LyCORIS without kohya's trainer
    "diffusion_model.": "unet",  # ComfyUI
    "text_encoders.clip_l.transformer.": "text_encoder",
    "text_encoders.clip_g.transformer.": "text_encoder_2",
}
ROLES = {
    ".lora_down.weight": "down",  # kohya
    ".lora_up.weight": "up",
    ".lora_A.weight": "down",  # PEFT
    ".lora_B.weight": "up",
    ".lora.down.weight": "down",  # diffusers before PEFT
    ".lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
    "_lora.down.weight": "down",  # diffusers' attention processors
    "_lora.up.weight": "up",
    "_lora.alpha": "alpha",
    ".alpha": "alpha",
}
RESNET = {
    "conv1": "in_layers_2",
    "conv2": "out_layers_3",
    "time_emb_proj": "emb_layers_1",
    "conv_shortcut": "skip_connection",
}
SGM_ALONE = {
    "conv_in": "input_blocks_0_0",
    "conv_out": "out_2",
    "time_embedding_linear_1": "time_embed_0",
    "time_embedding_linear_2": "time_embed_2",
    "add_embedding_linear_1": "label_emb_0_0",
    "add_embedding_linear_2": "label_emb_0_2",
}
BLOCK = re.compile(r"((?:down|up)_blocks_\d+|mid_block)_(resnets|attentions|downsamplers|upsamplers)_(\d+)_(.+)")
PROJECTIONS = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}

Place = tuple[str, str, int]  # ("down_blocks_1", "resnets", 0)


class Key(NamedTuple):
    """A tensor's name taken apart: which model, which of its layers (dots as underscores), which role there."""

    part: str
    layer: str
    role: str


def read_key(name: str) -> Key | None:
    """Take a tensor's name apart; None when it is none of a LoRA's."""
    suffix = next((suffix for suffix in ROLES if name.endswith(suffix)), None)
    if suffix is None:
        return None
    module, role = name.removesuffix(suffix), ROLES[suffix]
    for prefix, part in PREFIXES.items():
        if module.startswith(prefix):
            return Key(part, flat(part, module.removeprefix(prefix)), role)
    return Key("unet", flat("unet", module), role)  # diffusers' oldest files name the UNet's layers alone


def flat(part: str, module: str) -> str:
    """Write a module's name with underscores, as kohya does, and without the level transformers 5 took out."""
    name = module.replace(".processor.", ".").replace(".", "_")
    return name if part == "unet" else name.removeprefix("text_model_")


def layers_of(part: str, modules: Iterable[str]) -> dict[str, str]:
    """Map every way to spell a layer to its module, for all modules of one model."""
    plain = {flat(part, module): module for module in modules}
    also = unet_spellings(plain) if part == "unet" else text_encoder_spellings(plain)
    return {other: plain[layer] for layer, other in also} | plain


def text_encoder_spellings(layers: Iterable[str]) -> Iterator[tuple[str, str]]:
    for layer in layers:
        for ours, theirs in PROJECTIONS.items():
            if layer.endswith(f"_{ours}"):
                yield layer, layer.removesuffix(ours) + theirs


def unet_spellings(layers: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield Stability's name for each layer, and the attention processors' for an attention's output."""
    places = sgm_places(layers)
    for layer in layers:
        if layer in SGM_ALONE:
            yield layer, SGM_ALONE[layer]
        elif match := BLOCK.fullmatch(layer):
            block, kind, number, inner = match.groups()
            if kind == "downsamplers":
                inner = "op"
            yield layer, f"{places[block, kind, int(number)]}_{RESNET.get(inner, inner)}"
        if layer.endswith("_to_out_0"):
            yield layer, layer.removesuffix("_0")


def sgm_places(layers: Iterable[str]) -> dict[Place, str]:
    """Map every block's parts to where Stability's UNet has them."""
    here = {(match[1], match[2], int(match[3])) for match in map(BLOCK.fullmatch, layers) if match}
    middle = {
        ("mid_block", "resnets", 0): "middle_block_0",
        ("mid_block", "attentions", 0): "middle_block_1",
        ("mid_block", "resnets", 1): "middle_block_2",
    }
    return middle | counted(here, "down_blocks", "input_blocks", 1) | counted(here, "up_blocks", "output_blocks", 0)


def counted(here: set[Place], ours: str, theirs: str, index: int) -> dict[Place, str]:
    """Count through the blocks as Stability does, where each resnet and each downsampler is a block of its own."""
    places = {}
    for block in sorted({block for block, _, _ in here if block.startswith(ours)}, key=lambda name: (len(name), name)):
        for number in sorted(number for name, kind, number in here if (name, kind) == (block, "resnets")):
            places[block, "resnets", number] = f"{theirs}_{index}_0"
            places[block, "attentions", number] = f"{theirs}_{index}_1"
            index += 1
        if (block, "downsamplers", 0) in here:
            places[block, "downsamplers", 0] = f"{theirs}_{index}_0"
            index += 1
        behind = 2 if (block, "attentions", 0) in here else 1
        places[block, "upsamplers", 0] = f"{theirs}_{index - 1}_{behind}"
    return places
