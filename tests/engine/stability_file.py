"""Writes a diffusers folder as one .safetensors file in Stability's layout, the way checkpoints are handed around."""

import re
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

State = dict[str, torch.Tensor]

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
VAE = {
    "conv_shortcut": "nin_shortcut",
    "conv_norm_out": "norm_out",
    "mid_block.resnets.0": "mid.block_1",
    "mid_block.resnets.1": "mid.block_2",
    "mid_block.attentions.0": "mid.attn_1",
    "group_norm": "norm",
    "to_out.0": "proj_out",
    "to_": "",
    "down_blocks": "down",
    "up_blocks": "up",
    "resnets": "block",
    "downsamplers.0": "downsample",
    "upsamplers.0": "upsample",
}
OPENCLIP = {
    "text_model.encoder.layers": "transformer.resblocks",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.": "attn.",
    "text_model.final_layer_norm": "ln_final",
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
}


def save_single_file(folder: Path, path: Path) -> Path:
    """Save the checkpoint in the folder to one file."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(folder)
    layers = pipeline.unet.config.layers_per_block + 1
    parts = {
        "model.diffusion_model.": {unet_name(name, layers): t for name, t in pipeline.unet.state_dict().items()},
        "first_stage_model.": vae_state(pipeline.vae.state_dict()),
        "conditioner.embedders.0.transformer.text_model.": pipeline.text_encoder.state_dict(),
        "conditioner.embedders.1.model.": openclip_state(pipeline.text_encoder_2.state_dict()),
    }
    save_file({prefix + name: t.contiguous() for prefix, part in parts.items() for name, t in part.items()}, path)
    return path


def unet_name(name: str, layers: int) -> str:
    """Number the blocks through from input to output: each has `layers` layers, the last one a change of size."""
    if middle := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        kind, number, rest = middle.groups()
        return (
            f"middle_block.1.{rest}"
            if kind == "attentions"
            else f"middle_block.{2 * int(number)}.{renamed(rest, RESNET)}"
        )
    block = re.fullmatch(r"(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.*)", name)
    if not block:
        return renamed(name, UNET_ENDS)
    side, number, kind, layer, rest = block.groups()
    index = int(number) * layers + int(layer)
    place = f"input_blocks.{index + 1}" if side == "down" else f"output_blocks.{index}"
    return {
        "resnets": f"{place}.0.{renamed(rest, RESNET)}",
        "attentions": f"{place}.1.{rest}",
        "downsamplers": f"input_blocks.{index + layers}.0.op.{rest.removeprefix('conv.')}",
        "upsamplers": f"output_blocks.{index + layers - 1}.2.{rest}",
    }[kind]


def vae_state(state: State) -> State:
    """Count the decoder's blocks from the picture, not from the latents; attention's matrices are 1x1 convolutions."""
    converted = {}
    for name, tensor in state.items():
        flipped = re.sub(r"up_blocks\.(\d)", lambda block: f"up_blocks.{3 - int(block[1])}", name)
        matrix = "attentions" in name and tensor.ndim == 2
        converted[renamed(flipped, VAE)] = tensor[:, :, None, None] if matrix else tensor
    return converted


def openclip_state(state: State) -> State:
    """Lay each attention's query, key and value over one another; the projection is stored transposed."""
    converted = {}
    for name, tensor in state.items():
        if "q_proj" in name:
            parts = [state[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            converted[renamed(name, OPENCLIP).replace("q_proj.", "in_proj_")] = torch.cat(parts)
        elif name == "text_projection.weight":
            converted["text_projection"] = tensor.T
        elif "k_proj" not in name and "v_proj" not in name:
            converted[renamed(name, OPENCLIP)] = tensor
    return converted


def renamed(name: str, names: dict[str, str]) -> str:
    for ours, theirs in names.items():
        name = name.replace(ours, theirs)
    return name
