"""A picture drawn with adapters on is the picture diffusers' pipeline draws with the same LoRAs loaded."""

from dataclasses import replace

import numpy as np
import pytest
from diffusers import StableDiffusionXLPipeline

from generation.engine.engine import Engine, Options
from generation.engine.spec import LoraUse, Spec
from loras.weights.sources import sha256_of
from tests.engine.conftest import SPEC, generate, levels, stock_output
from tests.weights.lora_files import CONVOLUTIONS, TEXT, UNET, kohya, peft_lora, saved, sgm

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array:DeprecationWarning"),  # diffusers with this NumPy
    pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning"),
]


@pytest.fixture
def files(sdxl, tmp_path):
    """Two LoRAs in two dialects, one on the UNet and both text encoders, one on convolutions."""
    text = saved(kohya(sgm(peft_lora(sdxl, UNET, TEXT)), alpha=8.0), tmp_path / "text.safetensors")
    return text, saved(peft_lora(sdxl, CONVOLUTIONS, rank=2, seed=1), tmp_path / "convolutions.safetensors")


def drawn_by_diffusers(tiny, spec, files, strengths):
    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny, add_watermarker=False)
    for file in files:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=file.stem)
    pipeline.set_adapters([file.stem for file in files], strengths)
    return levels(stock_output(pipeline, spec, "pil"))


def test_two_loras_draw_what_diffusers_draws(tiny, files):
    engine, spec = Engine(str(tiny), Options(device="cpu")), Spec(checkpoint=str(tiny), **SPEC)
    loras = [
        LoraUse(file.stem, file, sha256_of([file]), weight) for file, weight in zip(files, (1.0, -0.5), strict=True)
    ]
    plain = levels(generate(engine, spec)[0].image)
    styled = levels(generate(engine, replace(spec, loras=tuple(loras)))[0].image)
    assert np.abs(styled - drawn_by_diffusers(tiny, spec, files, [1.0, -0.5])).max() <= 1
    assert np.abs(styled - plain).max() > 10
    assert np.array_equal(levels(generate(engine, spec)[0].image), plain)
