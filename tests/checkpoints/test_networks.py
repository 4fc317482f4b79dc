"""Do the recipe's networks learn from the very inputs that the SDXL pipeline will give them?"""

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from transformers import CLIPTokenizer

from checkpoints.recipe import networks
from checkpoints.recipe.pool import tokenise
from checkpoints.recipe.tokens import END, LENGTH, START
from checkpoints.recipe.unet import loss_of, noisy, read, time_ids
from checkpoints.recipe.vae import normalise


@pytest.fixture(scope="module")
def tokenizer():
    words = {word: number for number, word in enumerate(["a</w>", "c", "at</w>", "cat</w>", "a", "t</w>", START, END])}
    merges = [("a", "t</w>"), ("c", "at</w>")]
    marks = {"unk_token": END, "bos_token": START, "eos_token": END, "pad_token": END}
    return CLIPTokenizer(vocab=words, merges=merges, model_max_length=LENGTH, **marks)


@pytest.fixture(scope="module")
def modules(tokenizer):
    torch.manual_seed(0)
    return {name: module.eval() for name, module in networks.build(tokenizer).items()}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_captions_are_read_as_the_pipeline_reads_them(tokenizer, modules, generator):
    pipeline = StableDiffusionXLPipeline(
        vae=networks.build_vae(), tokenizer=tokenizer, tokenizer_2=tokenizer, scheduler=networks.scheduler(), **modules
    )

    with torch.no_grad():
        hidden, pooled = read(modules, tokenise(tokenizer, ["a cat"]), generator, blank=0)
        theirs, _, their_pooled, _ = pipeline.encode_prompt("a cat", do_classifier_free_guidance=False)

    assert torch.allclose(hidden, theirs, atol=1e-5)
    assert torch.allclose(pooled, their_pooled, atol=1e-5)


def test_one_batch_gives_every_used_part_a_gradient(tokenizer, modules, generator):
    loss_of(modules, torch.randn(4, 4, 16, 16), tokenise(tokenizer, ["a cat"] * 4), generator).backward()

    assert all(parameter.grad is not None for parameter in modules["unet"].parameters())
    assert modules["text_encoder"].get_input_embeddings().weight.grad.abs().sum() > 0


def test_input_and_target_give_the_latents_back(generator):
    latents = torch.randn(8, 4, 16, 16, generator=generator)

    inputs, steps, target = noisy(latents, generator)

    levels = networks.scheduler().alphas_cumprod[steps][:, None, None, None]
    assert torch.allclose(levels.sqrt() * inputs - (1 - levels).sqrt() * target, latents, atol=1e-4)


def test_most_sizes_are_native(generator):
    native = (time_ids(1000, generator) == torch.tensor([128, 128, 0, 0, 128, 128])).all(1).float().mean()

    assert 0.55 < native < 0.65


@torch.no_grad()
def test_normalised_latents_have_mean_zero_and_decode_to_the_same_picture(generator):
    vae, pictures = networks.build_vae(), torch.rand(6, 3, 64, 64, generator=generator) * 2 - 1
    before = vae.encode(pictures).latent_dist.mean

    normalise(vae, before.mean((0, 2, 3)), before.std((0, 2, 3)))
    after = vae.encode(pictures).latent_dist.mean

    assert after.mean((0, 2, 3)).abs().max() < 1e-3
    assert torch.allclose(after.std((0, 2, 3)), torch.ones(4), atol=1e-3)
