"""Pictures become the latents that stock img2img would start from, and come back; in tiles nearly the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLImg2ImgPipeline
from PIL import Image

from generation.engine.tiles import in_tiles, starts
from generation.engine.vae import encode_picture, moments_by, pixels_by, tiled, whole_side
from loras.weights.sdxl import load_sdxl


@pytest.fixture
def photo():
    """A picture with large shapes and fine noise, 96 x 64."""
    y, x = np.mgrid[0:64, 0:96]
    levels = np.stack([x * 2.5, y * 3.5, 128 + 90 * np.sin(x / 9) * np.cos(y / 7)], axis=-1)
    return Image.fromarray((levels + np.random.default_rng(0).normal(0, 4, levels.shape)).clip(0, 255).astype(np.uint8))


def seeded():
    return torch.Generator("cpu").manual_seed(5)


def stock_latents(stock, photo):
    """What diffusers' img2img pipeline starts from before it adds noise."""
    parts = {
        name: part for name, part in stock.components.items() if name not in ("image_encoder", "feature_extractor")
    }
    pipeline = StableDiffusionXLImg2ImgPipeline(**parts, add_watermarker=False)
    pixels = pipeline.image_processor.preprocess(photo)
    return pipeline.prepare_latents(
        pixels, None, 1, 1, torch.float32, torch.device("cpu"), seeded(), add_noise=False
    ).detach()


def test_a_picture_becomes_the_latents_stock_img2img_starts_from(vae, stock, photo):
    latents = encode_picture(vae, photo, seeded())
    assert latents.shape == (1, 4, 8, 12)
    assert torch.allclose(latents, stock_latents(stock, photo), rtol=0, atol=1e-5)


def test_latents_are_brought_to_the_mean_and_deviation_the_vae_names(vae, stock, photo):
    told = {"latents_mean": [0.5, -0.5, 1.0, 0.0], "latents_std": [2.0, 0.5, 1.0, 3.0]}
    for each in (vae, stock.vae):
        each.register_to_config(**told)
    try:
        assert torch.allclose(encode_picture(vae, photo, seeded()), stock_latents(stock, photo), rtol=0, atol=1e-5)
    finally:
        for each in (vae, stock.vae):
            each.register_to_config(latents_mean=None, latents_std=None)


def test_a_picture_with_alpha_is_encoded_as_what_is_seen_of_its_colours(vae, photo):
    translucent = photo.copy()
    translucent.putalpha(10)
    assert torch.equal(encode_picture(vae, translucent, seeded()), encode_picture(vae, photo, seeded()))


def test_work_in_tiles_is_the_work_on_the_whole(photo):
    given = torch.from_numpy(np.array(photo)).permute(2, 0, 1).unsqueeze(0).float()
    whole = torch.nn.functional.avg_pool2d(given, 8)
    tiled = in_tiles(lambda tile: torch.nn.functional.avg_pool2d(tile, 8), given, side=32, step=8)
    assert torch.allclose(tiled, whole, rtol=1e-5)


@pytest.mark.parametrize(("length", "expected"), [(8, [0]), (32, [0]), (40, [0, 8]), (96, [0, 24, 40, 64])])
def test_tiles_are_spread_evenly_and_the_last_ends_at_the_end(length, expected):
    assert starts(length, 32, 8) == expected


def moments(vae, pixels):
    return vae.encode(pixels).latent_dist.parameters


@pytest.fixture(scope="module")
def mini_vae():
    return load_sdxl(str(Path(__file__).parents[2] / "checkpoints/mini"), torch.device("cpu")).vae


@pytest.fixture
def large_photo(photo):
    """256 x 256 for the mini VAE, which was trained with 128 x 128, is what 2048 x 2048 is for SDXL's."""
    pixels = np.array(photo.resize((256, 256), Image.Resampling.BICUBIC)).transpose(2, 0, 1)[None]
    return torch.from_numpy(pixels).float() / 255 * 2 - 1


@torch.inference_mode()
def test_a_picture_encoded_in_tiles_is_nearly_the_one_encoded_whole(mini_vae, large_photo):
    whole = moments_by(mini_vae)(large_photo)
    away = tiled(mini_vae, moments_by(mini_vae), large_photo, 128, 8) - whole
    assert away[:, :4].abs().mean() < 0.02 * whole[:, :4].std()


@torch.inference_mode()
def test_a_picture_decoded_in_tiles_is_nearly_the_one_decoded_whole(mini_vae, large_photo):
    latents = mini_vae.encode(large_photo).latent_dist.mean
    whole = pixels_by(mini_vae)(latents)
    away = (tiled(mini_vae, pixels_by(mini_vae), latents, 16, 1) - whole).abs() * 255 / 2
    unaware = (in_tiles(pixels_by(mini_vae), latents, side=16) - whole).abs() * 255 / 2
    assert away.mean() < 1.5 < unaware.mean() / 2  # levels


def test_the_norms_are_their_own_again_after_the_tiles(mini_vae, large_photo):
    whole = moments_by(mini_vae)(large_photo)
    tiled(mini_vae, moments_by(mini_vae), large_photo, 128, 8)
    assert torch.equal(moments_by(mini_vae)(large_photo), whole)


def test_a_card_of_80_gib_decodes_the_largest_picture_whole_and_one_of_24_in_tiles():
    assert whole_side(24 * 1024**3) >= 1024
    assert whole_side(80 * 1024**3) >= 2048 > whole_side(24 * 1024**3)
