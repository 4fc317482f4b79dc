"""A refiner and a ControlNet for the tiny SDXL, as diffusers folders with random weights."""

import json
from pathlib import Path

import torch
from diffusers import ControlNetModel, EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextModelWithProjection

from tests.engine.tiny_sdxl import TIME_WIDTH, WIDTH_2, byte_tokenizer, tiny_text_encoder, tiny_unet, tiny_vae


def make_tiny_refiner(folder: Path, *, shares: bool = False) -> Path:
    """Save a refiner: with its own VAE and text encoder, or, as some are published, without."""
    index = {"_class_name": "StableDiffusionXLImg2ImgPipeline", "requires_aesthetics_score": True}
    index |= {"text_encoder": [None, None], "tokenizer": [None, None], "unet": ["diffusers", "UNet2DConditionModel"]}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        tiny_refiner_unet().save_pretrained(folder / "unet")
        if shares:
            index |= {"vae": [None, None], "text_encoder_2": [None, None], "tokenizer_2": [None, None]}
        else:
            index |= {"vae": ["diffusers", "AutoencoderKL"], "tokenizer_2": ["transformers", "CLIPTokenizer"]}
            index |= {"text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
            tiny_vae().save_pretrained(folder / "vae")
            tiny_text_encoder(CLIPTextModelWithProjection, WIDTH_2).save_pretrained(folder / "text_encoder_2")
            byte_tokenizer("!").save_pretrained(folder / "tokenizer_2")
    EulerDiscreteScheduler(beta_schedule="scaled_linear").save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def tiny_refiner_unet() -> UNet2DConditionModel:
    values = dict(tiny_unet().config) | {
        "cross_attention_dim": WIDTH_2,
        "projection_class_embeddings_input_dim": WIDTH_2 + 5 * TIME_WIDTH,
    }
    return UNet2DConditionModel.from_config(values)


def make_tiny_controlnet(folder: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(2)
        controlnet = ControlNetModel.from_unet(tiny_unet(), conditioning_embedding_out_channels=(4, 4, 8, 8))
        controlnet.save_pretrained(folder)
    return folder
