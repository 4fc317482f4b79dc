"""A complete SDXL with tiny random weights as a diffusers folder (2 MB): it draws noise, but in milliseconds."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from loras.weights.single_file import byte_letters

WIDTH, WIDTH_2 = 32, 48  # of the text encoders; single files tell them apart by it
TIME_WIDTH = 8


def make_tiny_sdxl(folder: Path) -> Path:
    """Save the tiny SDXL to the folder, the same bytes at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        StableDiffusionXLPipeline(
            vae=tiny_vae(),
            text_encoder=tiny_text_encoder(CLIPTextModel, WIDTH),
            text_encoder_2=tiny_text_encoder(CLIPTextModelWithProjection, WIDTH_2),
            tokenizer=byte_tokenizer("<|endoftext|>"),
            tokenizer_2=byte_tokenizer("!"),
            unet=tiny_unet(),
            # As bare as a configuration may be: what other schedulers need beyond it, the engine has to know.
            scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
        ).save_pretrained(folder)
    return folder


def tiny_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        attention_head_dim=(1, 2, 2),
        norm_num_groups=8,
        cross_attention_dim=WIDTH + WIDTH_2,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=WIDTH_2 + 6 * TIME_WIDTH,
    )


def tiny_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
        sample_size=64,
        scaling_factor=0.13025,
        force_upcast=False,
    )


def tiny_text_encoder(kind: type[CLIPTextModel], width: int) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=512,
        eos_token_id=513,
        initializer_factor=4.0,  # at 1.0 no prompt matters, at 20.0 rounding does
    )
    return kind(config)


def byte_tokenizer(pad_token: str) -> CLIPTokenizer:
    """Build a CLIP tokenizer without merges: one token per byte, so a prompt's length in tokens is its length."""
    letters = byte_letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocab = {word: number for number, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocab, merges=[], pad_token=pad_token, model_max_length=77)
