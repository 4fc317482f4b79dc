"""What is the mini SDXL made of? Stock classes with small numbers: 10.4 M parameters beside the VAE's 1.4 M."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from checkpoints.recipe.sources import SIDE

FIRST, SECOND, TIME = 96, 160, 32  # widths of the text encoders and of the embedding of each size number
Networks = dict[str, nn.Module]


def build(tokenizer: CLIPTokenizer) -> Networks:
    """Build the UNet and the two text encoders, randomly initialised."""
    return {
        "text_encoder": CLIPTextModel(text_config(tokenizer, FIRST, layers=2)),
        "text_encoder_2": CLIPTextModelWithProjection(text_config(tokenizer, SECOND, layers=3)),
        "unet": UNet2DConditionModel(
            sample_size=SIDE // 8,
            block_out_channels=(48, 96, 176),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            transformer_layers_per_block=(1, 1, 1),
            attention_head_dim=(1, 2, 4),  # diffusers' name for the number of heads
            cross_attention_dim=FIRST + SECOND,
            addition_embed_type="text_time",
            addition_time_embed_dim=TIME,
            projection_class_embeddings_input_dim=SECOND + 6 * TIME,
            use_linear_projection=True,
            norm_num_groups=16,
        ),
    }


def text_config(tokenizer: CLIPTokenizer, width: int, *, layers: int) -> CLIPTextConfig:
    """Configure a small CLIP text model for our own vocabulary."""
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        max_position_embeddings=tokenizer.model_max_length,
        hidden_size=width,
        intermediate_size=4 * width,
        projection_dim=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        hidden_act="gelu",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def build_vae() -> AutoencoderKL:
    """Build the smallest autoencoder that keeps icons readable: 8x down to the 4 channels that SDXL expects."""
    vae = AutoencoderKL(
        block_out_channels=(8, 16, 48, 96),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=False,
        force_upcast=False,
        scaling_factor=1.0,
        sample_size=SIDE,
    )
    with torch.no_grad():
        vae.quant_conv.bias[4:] = -5  # begin almost without noise, else the first minutes only learn to shout over it
    return vae


def scheduler() -> EulerDiscreteScheduler:
    """Make SDXL's noise schedule with v-prediction; the same levels serve training and every sampler."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
    )


def inherit(module: nn.Module, elder: nn.Module) -> None:
    """Begin a module from another's weights, where names and shapes agree."""
    own, theirs = module.state_dict(), elder.state_dict()
    alike = {name: theirs[name] for name in own if name in theirs and own[name].shape == theirs[name].shape}
    module.load_state_dict(own | alike)


def load(checkpoint: Path) -> tuple[CLIPTokenizer, Networks, AutoencoderKL]:
    """Load a finished family to go on from; its tokens and its latents must be kept, so they come along."""
    networks = {
        "text_encoder": CLIPTextModel.from_pretrained(checkpoint / "text_encoder", dtype=torch.float32),
        "text_encoder_2": CLIPTextModelWithProjection.from_pretrained(
            checkpoint / "text_encoder_2", dtype=torch.float32
        ),
        "unet": UNet2DConditionModel.from_pretrained(checkpoint / "unet"),
    }
    return (
        CLIPTokenizer.from_pretrained(checkpoint / "tokenizer"),
        networks,
        AutoencoderKL.from_pretrained(checkpoint / "vae"),
    )
