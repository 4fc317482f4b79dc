"""A broken picture is decoded again in fp32, and one that stays broken is never handed over."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from generation.engine.decode import decode
from generation.engine.engine import Engine
from generation.engine.errors import BrokenPicture
from generation.engine.options import Options
from generation.engine.weight_set import WeightSet
from tests.engine.conftest import generate, levels

LATENTS = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def half_vae(vae):
    """The tiny VAE in half precision."""
    return deepcopy(vae).to(torch.float16)


def breaks(vae, by, dtypes=(torch.float16, torch.float32)):
    """Let the VAE's decoder give broken numbers in these dtypes."""

    def spoil(module, given, output):
        return by(output) if output.dtype in dtypes else output

    return vae.decoder.register_forward_hook(spoil)


def infinite(output):
    return output * torch.inf


def flat(output):
    return output * 0 + 0.25


@pytest.mark.parametrize("by", [infinite, flat])
def test_a_picture_broken_in_half_precision_is_decoded_in_fp32(vae, half_vae, by):
    with breaks(half_vae, by, dtypes=[torch.float16]):
        image, about = decode(half_vae, LATENTS)
    assert np.abs(levels(image) - levels(decode(vae, LATENTS).image)).max() <= 8  # the weights were rounded
    assert about == {"vae": "float32 after a broken picture"}


def test_a_whole_picture_is_decoded_once_and_nothing_is_told_of_it(vae):
    assert decode(vae, LATENTS).about == {}


@pytest.mark.parametrize("by", [infinite, flat])
def test_a_picture_that_stays_broken_is_refused_and_the_vae_is_what_it_was(half_vae, by):
    before = {name: (tensor.dtype, tensor.stride()) for name, tensor in half_vae.state_dict().items()}
    with breaks(half_vae, by), pytest.raises(BrokenPicture, match="another seed"):
        decode(half_vae, LATENTS)
    assert {name: (tensor.dtype, tensor.stride()) for name, tensor in half_vae.state_dict().items()} == before


def test_what_is_broken_before_the_vae_is_not_decoded_again(half_vae):
    calls = []
    half_vae.decoder.register_forward_hook(lambda module, given, output: calls.append(output.dtype))
    with pytest.raises(BrokenPicture):
        decode(half_vae, LATENTS * torch.nan)
    assert calls == [torch.float16]


def test_a_picture_of_two_shades_is_no_flat_one(vae):
    def two_levels_apart(output):
        shades = torch.full_like(output, 0.0)
        shades[..., 0] = 4 / 255
        return shades

    with breaks(vae, two_levels_apart):
        assert np.ptp(levels(decode(vae, LATENTS).image)) == 2


def test_the_receipt_tells_that_a_picture_was_decoded_again(tiny, ask):
    engine = Engine(str(tiny), Options(device="cpu"))
    half_vae = engine.weights.switch_to(WeightSet(str(tiny), ())).vae.to(torch.float16)
    breaks(half_vae, infinite, dtypes=[torch.float16])
    assert generate(engine, ask())[0].drawn_by["vae"] == "float32 after a broken picture"


def test_what_began_as_one_colour_may_stay_one(vae):
    with breaks(vae, flat):
        assert np.ptp(levels(decode(vae, LATENTS, may_be_flat=True).image)) == 0


@pytest.fixture
def half_engine(tiny):
    """An engine that draws in bf16."""
    return Engine(str(tiny), Options(device="cpu", dtype="bfloat16"))


def broken_unet(engine, tiny, dtype=None):
    """Let the UNet of this dtype predict what is no number."""
    unet = engine.weights.switch_to(WeightSet(str(tiny), dtype=dtype)).unet
    return unet.register_forward_hook(lambda module, given, output: (output[0] * torch.nan,))


def test_a_picture_that_one_precision_breaks_is_drawn_with_another(half_engine, engine, tiny, ask):
    with broken_unet(half_engine, tiny):
        (picture,) = generate(half_engine, ask())
    assert picture.drawn_by["dtype"] == "float32"
    assert np.array_equal(levels(picture.image), levels(generate(engine, ask())[0].image))


def test_a_picture_that_every_precision_breaks_fails(half_engine, tiny, ask):
    with broken_unet(half_engine, tiny), broken_unet(half_engine, tiny, "float32"), pytest.raises(BrokenPicture):
        generate(half_engine, ask())


def test_only_the_broken_picture_of_a_generation_is_drawn_again(half_engine, tiny, ask):
    spoilt = []

    def spoil_first(module, given, output):
        spoilt.append(len(spoilt) == 0)
        return output * torch.inf if spoilt[-1] else output

    half_vae = half_engine.weights.switch_to(WeightSet(str(tiny))).vae
    with half_vae.decoder.register_forward_hook(spoil_first):
        pictures = generate(half_engine, ask(n=2))
    assert len(pictures) == 2
