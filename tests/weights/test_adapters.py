"""Reading a LoRA file for one checkpoint: what fits becomes an adapter, what does not is refused in words."""

import json

import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict

from loras.weights.adapters import read_adapter
from loras.weights.errors import LoraUnusable
from loras.weights.patch import adapters_on
from tests.weights.conftest import assert_within_rounding, copied
from tests.weights.lora_files import FEED_FORWARD, TEXT, UNET, kohya, peft_lora, saved


def refusal(tensors, adapter):
    with pytest.raises(LoraUnusable) as refused:
        adapter(tensors)
    return refused.value.code


def saved_by_diffusers(tiny, folder, **config):
    """What a training with PEFT saves: its own settings beside the halves, here random ones."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny)
    layers = {"unet": ["to_q", "ff.net.2"], "text_encoder": ["q_proj", "v_proj"], "text_encoder_2": ["q_proj", "fc1"]}
    trained = {}
    for part, targets in layers.items():
        model, settings = getattr(pipeline, part), LoraConfig(r=4, target_modules=targets, **config)
        model.add_adapter(settings)
        halves = convert_state_dict_to_diffusers(get_peft_model_state_dict(model))
        trained[f"{part}_lora_layers"] = {name: torch.randn_like(half) * 0.1 for name, half in halves.items()}
        trained[f"{part}_lora_adapter_metadata"] = settings.to_dict()
    StableDiffusionXLPipeline.save_lora_weights(folder, **trained)
    return folder / "pytorch_lora_weights.safetensors"


@pytest.mark.filterwarnings("ignore:The following alpha_pattern keys:RuntimeWarning")
@pytest.mark.parametrize("use_rslora", [False, True])
def test_what_diffusers_itself_saves(use_rslora, tiny, base, fused, tmp_path):
    alphas = {"to_q": 6, "net.2": 3, "v_proj": 1}  # each of use for some of the models
    file = saved_by_diffusers(tiny, tmp_path, lora_alpha=2, alpha_pattern=alphas, use_rslora=use_rslora)
    expected = fused(file)
    with adapters_on(base, [(read_adapter(file, base), 1.0)]):
        assert_within_rounding(base, expected)


def test_a_dora_of_diffusers_is_refused(tiny, base, tmp_path):
    file = saved_by_diffusers(tiny, tmp_path, use_dora=True)
    with pytest.raises(LoraUnusable, match="DoRA"):
        read_adapter(file, base)


def test_mixed_ranks_and_alphas_in_one_file(sdxl, base, adapter, fused, tmp_path):
    tensors = kohya(peft_lora(sdxl, UNET, rank=2), alpha=1.0) | kohya(peft_lora(sdxl, FEED_FORWARD, TEXT, rank=8), 16.0)
    expected = fused(saved(tensors, tmp_path / "mixed.safetensors"))
    with adapters_on(base, [(adapter(tensors), 1.0)]):
        assert_within_rounding(base, expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_file_in_half_precision(dtype, sdxl, base, adapter):
    tensors = {name: tensor.to(dtype) for name, tensor in kohya(peft_lora(sdxl, UNET), alpha=3.0).items()}
    with adapters_on(base, [(adapter({name: tensor.float() for name, tensor in tensors.items()}), 1.0)]):
        expected = copied(base)
    with adapters_on(base, [(adapter(tensors), 1.0)]):
        assert_within_rounding(base, expected)


def test_a_linear_layer_spelled_as_a_convolution(sdxl, base, adapter):
    tensors = kohya(peft_lora(sdxl, UNET + FEED_FORWARD), alpha=2.0)
    with adapters_on(base, [(adapter(tensors), 1.0)]):
        expected = copied(base)
    spelled = {name: tensor[..., None, None] if tensor.dim() == 2 else tensor for name, tensor in tensors.items()}
    with adapters_on(base, [(adapter(spelled), 1.0)]):
        assert_within_rounding(base, expected)


def test_an_adapter_owns_its_numbers(sdxl, base, tmp_path):
    file = saved(peft_lora(sdxl, UNET), tmp_path / "style.safetensors")
    adapter = read_adapter(file, base)
    before = adapter.patches[0].up.clone()
    file.write_bytes(b"\xff" * file.stat().st_size)
    assert torch.equal(adapter.patches[0].up, before)


def test_a_layer_the_checkpoint_lacks(adapter):
    halves = {"down": torch.ones(2, 8), "up": torch.ones(8, 2)}
    tensors = {f"lora_unet_input_blocks_9_1_proj_in.lora_{half}.weight": each for half, each in halves.items()}
    assert refusal(tensors, adapter) == "lora_base_mismatch"


@pytest.mark.parametrize("cut", [lambda down: down[:, 1:], lambda down: down[..., None, None].expand(-1, -1, 3, 3)])
def test_a_layer_of_another_size(cut, sdxl, adapter):
    tensors = {name: cut(half) if "lora_A" in name else half for name, half in peft_lora(sdxl, UNET).items()}
    assert refusal(tensors, adapter) == "lora_base_mismatch"


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
def test_numbers_that_are_not_finite(number, sdxl, adapter):
    tensors = peft_lora(sdxl, UNET)
    next(iter(tensors.values()))[0, -1] = number
    assert refusal(tensors, adapter) == "non_finite_weights"


def test_one_layer_under_two_names(sdxl, adapter):
    tensors = peft_lora(sdxl, UNET)
    assert refusal(tensors | kohya(tensors), adapter) == "malformed_lora"


def test_settings_nobody_understands(sdxl, base, tmp_path):
    metadata = {"lora_adapter_metadata": json.dumps({"unet.lora_alpha": "eight"})}
    file = saved(peft_lora(sdxl, UNET), tmp_path / "style.safetensors", metadata)
    with pytest.raises(LoraUnusable, match="cannot be understood"):
        read_adapter(file, base)
