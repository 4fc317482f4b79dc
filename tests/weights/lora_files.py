"""Makes LoRA files for the tiny SDXL in every dialect found in the wild, starting from PEFT's."""

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file

from loras.weights.sdxl import Sdxl

Tensors = dict[str, torch.Tensor]

UNET = (
    "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
    "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k",
    "down_blocks.2.attentions.0.transformer_blocks.0.attn2.to_v",
    "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0",
    "up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_v",
    "up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_q",
)
FEED_FORWARD = (
    "down_blocks.1.attentions.0.proj_in",
    "up_blocks.1.attentions.1.transformer_blocks.0.ff.net.0.proj",
    "up_blocks.0.attentions.0.transformer_blocks.0.ff.net.2",
)
CONVOLUTIONS = (
    "down_blocks.0.resnets.0.conv1",
    "down_blocks.0.downsamplers.0.conv",
    "down_blocks.1.resnets.0.conv_shortcut",
    "mid_block.resnets.1.time_emb_proj",
    "up_blocks.0.upsamplers.0.conv",
    "up_blocks.2.resnets.1.conv2",
)
TEXT = ("encoder.layers.0.self_attn.q_proj", "encoder.layers.1.self_attn.out_proj", "encoder.layers.1.mlp.fc1")

# The tiny UNet's blocks in Stability's numbering, written out by hand.
SGM = {
    "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op",
    "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1",
    "down_blocks.2.attentions.0": "input_blocks.5.1",
    "mid_block.attentions.0": "middle_block.1",
    "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0": "output_blocks.1.2",
    "up_blocks.1.attentions.0": "output_blocks.2.1",
    "up_blocks.1.attentions.1": "output_blocks.3.1",
    "up_blocks.2.resnets.1": "output_blocks.5.0",
    "conv_shortcut": "skip_connection",
    "time_emb_proj": "emb_layers.1",
    "conv1": "in_layers.2",
    "conv2": "out_layers.3",
}


def peft_lora(
    sdxl: Sdxl, unet: Iterable[str] = (), text: Iterable[str] = (), *, rank: int = 4, seed: int = 0
) -> Tensors:
    """Return a LoRA of random numbers for the named layers; `text` counts for both encoders."""
    generator = torch.Generator().manual_seed(seed)
    places = [(sdxl.unet, "unet.", "", layer) for layer in unet]
    for part in ("text_encoder", "text_encoder_2"):
        places += [(getattr(sdxl, part), f"{part}.", "text_model.", layer) for layer in text]
    tensors = {}
    for model, prefix, level, layer in places:
        weight = model.get_submodule(layer if hasattr(model, layer.split(".")[0]) else f"{level}{layer}").weight
        shapes = {"A": (rank, *weight.shape[1:]), "B": (len(weight), rank, *(1 for _ in weight.shape[2:]))}
        for half, shape in shapes.items():
            tensors[f"{prefix}{level}{layer}.lora_{half}.weight"] = torch.randn(shape, generator=generator) * 0.1
    return tensors


def renamed(tensors: Tensors, down: str, up: str, module: Callable[[str], str]) -> Tensors:
    """Spell PEFT's names another way: the halves' suffixes, and the module before them."""
    suffixes = {".lora_A.weight": down, ".lora_B.weight": up}
    return {
        module(name.removesuffix(suffix)) + suffixes[suffix]: tensor
        for name, tensor in tensors.items()
        for suffix in suffixes
        if name.endswith(suffix)
    }


def kohya(tensors: Tensors, alpha: float | None = None) -> Tensors:
    """Spell names as kohya's trainer does for diffusers' UNet, with an alpha per layer."""
    prefixes = {"unet": "lora_unet", "text_encoder": "lora_te1", "text_encoder_2": "lora_te2"}

    def module(name: str) -> str:
        part, _, layer = name.partition(".")
        return f"{prefixes[part]}_{layer.replace('.', '_')}"

    spelled = renamed(tensors, ".lora_down.weight", ".lora_up.weight", module)
    names = {name.split(".")[0] for name in spelled}
    return spelled | ({} if alpha is None else {f"{name}.alpha": torch.tensor(alpha) for name in names})


def sgm(tensors: Tensors) -> Tensors:
    """Put Stability's block names in place of diffusers'."""
    for ours, theirs in SGM.items():
        tensors = {name.replace(ours, theirs): tensor for name, tensor in tensors.items()}
    return tensors


def old_diffusers(tensors: Tensors) -> Tensors:
    return renamed(tensors, ".lora.down.weight", ".lora.up.weight", str)


def processors(tensors: Tensors) -> Tensors:
    """Spell attention layers as diffusers' first LoRAs did: unet. ... attn1.processor.to_q_lora.down.weight."""

    def module(name: str) -> str:
        return (
            name.replace(".to_out.0", ".to_out")
            .replace("attn1.", "attn1.processor.")
            .replace("attn2.", "attn2.processor.")
        )

    return renamed(tensors, "_lora.down.weight", "_lora.up.weight", module)


def saved(tensors: Tensors, path: Path, metadata: dict[str, str] | None = None) -> Path:
    save_file(
        {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()},
        path,
        metadata=metadata,
    )
    return path
