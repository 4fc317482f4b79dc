"""Do the stages on top of the frozen base learn what they should, from what the pipelines will give them?"""

import numpy as np
import pytest
import torch
from peft import LoraConfig
from transformers import CLIPTokenizer

from checkpoints.recipe import controlnet, lora, networks, refiner, samples
from checkpoints.recipe.pairs import Pairs
from checkpoints.recipe.tokens import END, LENGTH, START
from loras.weights.hints import hints_of
from loras.weights.lora_file import read_lora_file


def new_networks():
    torch.manual_seed(0)
    marks = {"unk_token": END, "bos_token": START, "eos_token": END, "pad_token": END}
    return networks.build(CLIPTokenizer(vocab={START: 0, END: 1}, merges=[], model_max_length=LENGTH, **marks))


@pytest.fixture(scope="module")
def modules():
    return {name: module.requires_grad_(False) for name, module in new_networks().items()}


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def pairs(generator):
    real = torch.randn(8, 4, 16, 16, generator=generator)
    drawn = real + 0.3 * torch.randn(real.shape, generator=generator)
    pictures = torch.full((8, 128, 128, 3), 128, dtype=torch.uint8)
    return Pairs(drawn, real, pictures, torch.ones(8, LENGTH, dtype=torch.long))


def lines_batch(generator):
    return torch.randn(2, 4, 16, 16, generator=generator), torch.ones(2, LENGTH).long(), torch.ones(2, 128, 128).byte()


def test_an_untrained_controlnet_begins_as_the_unet_and_changes_nothing(modules):
    net = controlnet.begin(modules["unet"])

    assert torch.equal(net.conv_in.weight, modules["unet"].conv_in.weight)
    assert not any(block.weight.any() for block in net.controlnet_down_blocks)


def test_a_controlnet_learns_and_the_base_does_not(modules, generator):
    net = controlnet.begin(modules["unet"])

    controlnet.loss_of(net, modules, lines_batch(generator), generator).backward()

    assert net.controlnet_mid_block.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in modules["unet"].parameters())


def test_the_refiner_is_led_from_the_drawn_latents_to_the_real_ones(pairs, generator):
    batch = refiner.batch_of(pairs, 64, generator)

    kept = refiner.LEVELS[batch.steps].sqrt()[:, None, None, None]
    led_to = kept * batch.inputs - (1 - kept**2).sqrt() * batch.target

    nearest = (led_to[:, None] - pairs.real).square().mean((2, 3, 4)).amin(1)
    assert batch.steps.max() < refiner.EARLIEST[1]
    assert nearest.max() < 1e-4


def test_the_refiner_learns_from_the_decoded_picture(modules, pairs, generator):
    net, vae = refiner.build(modules["unet"]), networks.build_vae().requires_grad_(False)

    refiner.loss_of(net, modules, vae, refiner.batch_of(pairs, 2, generator), generator).backward()

    assert all(parameter.grad is not None for parameter in net.parameters())


def test_the_refiner_is_told_a_low_score_where_there_is_no_prompt(generator):
    told = refiner.scored_ids(torch.tensor([True, False] * 200), generator)

    assert told.shape == (400, 5)
    assert told[::2, 4].median() == refiner.BEAUTY
    assert told[1::2, 4].median() == refiner.PLAINNESS


@pytest.fixture(scope="module")
def lora_files(tmp_path_factory):
    unet = new_networks()["unet"]
    unet.add_adapter(LoraConfig(r=lora.RANK, lora_alpha=lora.RANK, target_modules=lora.LAYERS))
    stem = tmp_path_factory.mktemp("loras") / "zibbo"
    lora.write(unet, lora.LESSONS["zibbo"], ["a zibbo"] * 12, 100, stem)
    return [stem.with_suffix(".safetensors"), stem.with_name("zibbo-kohya.safetensors")]


@pytest.mark.parametrize("number", [0, 1])
def test_darkroom_reads_the_recipes_loras(lora_files, number):
    with lora_files[number].open("rb") as file:
        read = read_lora_file(file)

    assert len(read.layers) == 56
    assert {layer.scale for layer in read.layers} == {1.0}
    assert hints_of(read.header.metadata).triggers == ("zibbo",)


def test_a_dozen_pictures_of_the_creature_have_their_captions(tmp_path):
    samples.write(samples.subject_pictures(), tmp_path)

    pictures, captions = samples.read(tmp_path)

    assert pictures.shape == (12, 128, 128, 3)
    assert all(caption.startswith("a zibbo") for caption in captions)
    assert len(np.unique(pictures[:, 0, 0], axis=0)) == 8
