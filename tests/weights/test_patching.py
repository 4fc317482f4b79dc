"""Adapters go onto the resident weights and off again without a trace."""

import gc
import random
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from loras.weights.adapters import read_adapter
from loras.weights.patch import AdaptersOn, BaseWeights, adapters_on
from loras.weights.sdxl import load_sdxl
from tests.weights.conftest import assert_pristine, assert_within_rounding, copied
from tests.weights.lora_files import CONVOLUTIONS, FEED_FORWARD, TEXT, UNET, kohya, peft_lora, saved

LAYERS = UNET + FEED_FORWARD + CONVOLUTIONS


class Stopped(Exception):
    """What a caller raises to end its work."""


@pytest.fixture
def four(sdxl, adapter):
    """Adapters of four ranks on overlapping layers."""
    ranks = {1: LAYERS[:8], 3: LAYERS[4:], 4: UNET, 8: CONVOLUTIONS}
    return [adapter(peft_lora(sdxl, layers, TEXT, rank=rank, seed=rank)) for rank, layers in ranks.items()]


def exact(base, adapters):
    """The weights the adapters add up to, in float64, rounded once."""
    weights = {name: weight.double() for name, weight in copied(base).items()}
    for adapter, strength in adapters:
        for patch in adapter.patches:
            weight, change = weights[patch.weight], patch.up.double() @ patch.down.double()
            if weight.dim() == 4:
                change = change.unflatten(1, (*weight.shape[2:], weight.shape[1])).permute(0, 3, 1, 2)
            weights[patch.weight] = weight + strength * patch.scale * change
    return {name: weight.to(base.weights[name].dtype) for name, weight in weights.items()}


@pytest.mark.parametrize("strength", [-2.0, -0.35, 0.5, 2.0])
def test_a_weight_scales_the_change_as_in_diffusers(strength, sdxl, base, adapter, fused, tmp_path):
    tensors = kohya(peft_lora(sdxl, UNET, TEXT), alpha=3.0)
    expected = fused(saved(tensors, tmp_path / "a.safetensors"), strengths=(strength,))
    with adapters_on(base, [(adapter(tensors), strength)]):
        assert_within_rounding(base, expected)


@pytest.mark.filterwarnings("ignore:Already found a `peft_config`:UserWarning")
def test_two_adapters_add_up_as_in_diffusers(sdxl, base, adapter, fused, tmp_path):
    first, second = peft_lora(sdxl, LAYERS, TEXT, rank=2), peft_lora(sdxl, LAYERS, TEXT, rank=8, seed=1)
    files = saved(first, tmp_path / "a.safetensors"), saved(second, tmp_path / "b.safetensors")
    expected = fused(*files, strengths=(0.8, -0.4))
    with adapters_on(base, [(adapter(first), 0.8), (adapter(second), -0.4)]):
        assert_within_rounding(base, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_loses_one_rounding(dtype, sdxl, tmp_path):
    unet = deepcopy(sdxl.unet).to(dtype=dtype, memory_format=torch.channels_last)
    base = BaseWeights(replace(sdxl, unet=unet))
    worn = [(read_adapter(saved(peft_lora(sdxl, LAYERS), tmp_path / "lora.safetensors"), base), 0.7)]
    expected = exact(base, worn)
    with adapters_on(base, worn):
        assert_within_rounding(base, expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("pristine_bytes", [0, 10**9])
def test_a_gpu_adds_and_forgets_as_exactly(pristine_bytes, tiny, sdxl, tmp_path):
    base = BaseWeights(load_sdxl(str(tiny), torch.device("cuda")), pristine_bytes=pristine_bytes)
    worn = [(read_adapter(saved(peft_lora(sdxl, LAYERS, TEXT), tmp_path / "lora.safetensors"), base), 0.7)]
    before, expected = copied(base), exact(base, worn)
    with adapters_on(base, worn):
        assert_within_rounding(base, expected)
    assert_pristine(base, before)


def test_weight_zero_is_absence(base, four):
    with adapters_on(base, [(four[1], 0.6)]):
        alone = copied(base)
    with adapters_on(base, [(four[0], 0.0), (four[1], 0.6), (four[2], -0.0)]):
        assert_pristine(base, alone)


def test_a_thousand_swaps_leave_the_base_as_it_was_and_memory_flat(base, four):
    before, draw, held = copied(base), random.Random(7), set()
    for swap in range(1000):
        worn = [(adapter, draw.uniform(-2, 2)) for adapter in draw.sample(four, draw.randint(1, 4))]
        with adapters_on(base, worn):
            pass
        if swap in (100, 999):
            held.add(tensor_bytes())
    assert_pristine(base, before)
    assert len(held) == 1


def tensor_bytes():
    """How many tensors this process holds, and their bytes."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    return len(tensors), sum(tensor.nbytes for tensor in tensors)


def test_many_adapters_add_up(base, four):
    worn = [(adapter, strength) for adapter, strength in zip(four, (1.0, -0.5, 2.0, 0.25), strict=True)]
    expected = exact(base, worn)
    with adapters_on(base, worn):
        assert_within_rounding(base, expected)


def test_work_that_fails_leaves_the_base_as_it_was(base, four):
    before = copied(base)
    with pytest.raises(Stopped), adapters_on(base, [(four[0], 1.0), (four[1], 1.0)]):
        raise Stopped
    assert_pristine(base, before)


def test_a_patch_that_fails_half_way_leaves_the_base_as_it_was(base, four):
    before = copied(base)
    *good, last = four[0].patches
    broken = replace(four[0], patches=(*good, replace(last, down=last.down[:, 1:])))
    with pytest.raises(RuntimeError), adapters_on(base, [(broken, 1.0)]):
        pass
    assert_pristine(base, before)


def test_sets_do_not_nest(base, four):
    before = copied(base)
    with pytest.raises(AdaptersOn), adapters_on(base, [(four[0], 1.0)]), adapters_on(base, [(four[1], 1.0)]):
        pass
    assert_pristine(base, before)


def test_after_a_refused_nesting_adapters_go_on_again(base, four):
    with pytest.raises(AdaptersOn), adapters_on(base, [(four[0], 1.0)]), adapters_on(base, []):
        pass
    with adapters_on(base, [(four[0], 1.0)]):
        assert base.patched


def test_weights_stay_where_they_are(base, four):
    places = {name: weight.data_ptr() for name, weight in base.weights.items()}
    with adapters_on(base, [(four[0], 1.0)]):
        assert places == {name: weight.data_ptr() for name, weight in base.weights.items()}


@pytest.mark.parametrize("budget_bytes", [0, 10_000, 10**9])
def test_pristine_copies_keep_to_their_budget(budget_bytes, sdxl, four):
    base = BaseWeights(sdxl, pristine_bytes=budget_bytes)
    before = copied(base)
    for adapter in four * 2:
        with adapters_on(base, [(adapter, 1.0)]):
            assert base.pristine.held_bytes <= budget_bytes
    assert_pristine(base, before)


def test_only_touched_weights_are_copied(base, four):
    with adapters_on(base, [(four[2], 1.0)]):
        touched = {patch.weight for patch in four[2].patches}
        assert base.pristine.held_bytes == sum(base.weights[name].nbytes for name in touched)
