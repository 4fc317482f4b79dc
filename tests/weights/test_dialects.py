"""A LoRA changes the same weights by the same numbers as in diffusers, however its file spells them."""

import pytest
import torch

from loras.weights.adapters import read_adapter
from loras.weights.patch import adapters_on
from tests.weights.conftest import assert_within_rounding, copied
from tests.weights.lora_files import (
    CONVOLUTIONS,
    FEED_FORWARD,
    TEXT,
    UNET,
    kohya,
    old_diffusers,
    peft_lora,
    processors,
    saved,
    sgm,
)

DIALECTS = {
    "peft": lambda sdxl: peft_lora(sdxl, UNET + FEED_FORWARD + CONVOLUTIONS, TEXT),
    "kohya": lambda sdxl: kohya(peft_lora(sdxl, UNET + FEED_FORWARD, TEXT), alpha=2.0),
    "kohya_sgm": lambda sdxl: kohya(sgm(peft_lora(sdxl, UNET + FEED_FORWARD + CONVOLUTIONS, TEXT)), alpha=3.0),
    "kohya_without_alpha": lambda sdxl: kohya(sgm(peft_lora(sdxl, UNET))),
    "old_diffusers": lambda sdxl: old_diffusers(peft_lora(sdxl, UNET + FEED_FORWARD)),
    "processors": lambda sdxl: processors(peft_lora(sdxl, UNET)),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_weights_are_those_diffusers_fuses(dialect, sdxl, base, fused, tmp_path):
    file = saved(DIALECTS[dialect](sdxl), tmp_path / f"{dialect}.safetensors")
    expected = fused(file)
    with adapters_on(base, [(read_adapter(file, base), 1.0)]):
        assert_within_rounding(base, expected)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_pair_of_halves_changes_a_weight(dialect, sdxl, base, adapter):
    tensors = DIALECTS[dialect](sdxl)
    before = copied(base)
    with adapters_on(base, [(adapter(tensors), 1.0)]):
        changed = [name for name, weight in base.weights.items() if not torch.equal(weight, before[name])]
    assert len(changed) == sum("up.weight" in name or "lora_B" in name for name in tensors)
