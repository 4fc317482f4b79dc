"""A checkpoint in one file is the checkpoint in a folder; its configuration and tokenizers come with Darkroom."""

import json

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from safetensors.torch import save_file

from generation.engine.engine import Engine
from generation.engine.errors import CheckpointError
from loras.weights.single_file import SDXL_CONFIG, assemble, clip_tokenizer
from tests.engine.stability_file import save_single_file


@pytest.fixture(scope="session")
def single_file(tiny, tmp_path_factory):
    return save_single_file(tiny, tmp_path_factory.mktemp("single") / "tiny.safetensors")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "text_encoder_2"])
def test_a_single_file_holds_the_same_weights_as_its_folder(tiny, single_file, part):
    folder = getattr(StableDiffusionXLPipeline.from_pretrained(tiny), part).state_dict()
    file = getattr(assemble(single_file, tiny, torch.float32, {}), part).state_dict()
    assert folder.keys() == file.keys()
    assert all(torch.equal(file[name], folder[name]) for name in folder)


def test_a_file_of_another_size_than_sdxl_is_refused(single_file):
    with pytest.raises(CheckpointError, match="cannot be read"):
        Engine(str(single_file))


def test_a_lora_is_not_a_checkpoint(tmp_path):
    save_file({"lora_unet_down_blocks_0.lora_up.weight": torch.zeros(2, 2)}, tmp_path / "style.safetensors")
    with pytest.raises(CheckpointError, match="not a full SDXL base checkpoint"):
        Engine(str(tmp_path / "style.safetensors"))


def test_a_pickle_is_not_even_opened(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"\x80\x04.")
    with pytest.raises(CheckpointError, match="no other kind of file is read"):
        Engine(str(tmp_path / "model.ckpt"))


def test_the_configuration_is_that_of_sdxl_base():
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(json.loads((SDXL_CONFIG / "unet/config.json").read_text()))
    assert sum(parameter.numel() for parameter in unet.parameters()) == 2_567_463_684


def test_both_tokenizers_number_words_as_clip_does():
    first, second = clip_tokenizer("<|endoftext|>"), clip_tokenizer("!")
    assert first("a photo of a cat").input_ids == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert second("cat", padding="max_length", max_length=5).input_ids == [49406, 2368, 49407, 0, 0]
