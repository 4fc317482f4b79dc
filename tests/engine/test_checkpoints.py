"""A checkpoint is drawn with or refused in a sentence that says what is wrong with it."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.engine.engine import Engine
from generation.engine.errors import CheckpointError
from loras.weights.folder import pipeline_from_folder
from loras.weights.sdxl import bundle
from tests.engine.conftest import levels

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


def edit(path, **values):
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def drop_tensor(path, name):
    tensors = load_file(path)
    tensors.pop(name)
    save_file(tensors, path, metadata={"format": "pt"})


def test_the_description_names_what_draws(engine):
    said = engine.description
    assert said["checkpoint"] == "tiny"
    assert len(said["unet_sha256"]) == 64
    assert (said["device"], said["dtype"], said["torch"]) == ("cpu", "float32", torch.__version__)


@pytest.mark.parametrize("nowhere", ["nowhere", "tests/nowhere", "/nowhere/at/all"])
def test_a_missing_folder_is_not_looked_for_on_the_hub(nowhere):
    with pytest.raises(CheckpointError, match="There is no checkpoint at"):
        Engine(nowhere)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"has no model_index\.json"):
        Engine(str(tmp_path))


def test_another_kind_of_pipeline_is_refused(copy):
    edit(copy / "model_index.json", _class_name="FluxPipeline")
    with pytest.raises(CheckpointError, match="holds a FluxPipeline, not an SDXL"):
        Engine(str(copy))


def test_a_refiner_is_refused(copy):
    edit(copy / "model_index.json", text_encoder=[None, None], tokenizer=[None, None])
    with pytest.raises(CheckpointError, match="refiner"):
        Engine(str(copy))


def test_code_in_a_checkpoint_is_not_run(copy):
    edit(copy / "model_index.json", unet=["evil", "Evil"])
    (copy / "unet/evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(CheckpointError, match="cannot be read"):
        Engine(str(copy))


def test_pickled_weights_are_not_read(copy):
    torch.save(load_file(copy / UNET), copy / "unet/diffusion_pytorch_model.bin")
    (copy / UNET).unlink()
    with pytest.raises(CheckpointError, match="pickled weights are not read"):
        Engine(str(copy))


def test_a_truncated_file_is_refused(copy):
    (copy / UNET).write_bytes((copy / UNET).read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        Engine(str(copy))


def test_a_missing_tensor_is_named(copy):
    drop_tensor(copy / UNET, "conv_out.weight")
    with pytest.raises(CheckpointError, match=r"its unet lacks conv_out\.weight"):
        Engine(str(copy))


def test_a_missing_tokenizer_is_not_replaced_by_an_empty_one(copy):
    shutil.rmtree(copy / "tokenizer")
    with pytest.raises(CheckpointError, match="its tokenizer has 2 words"):
        Engine(str(copy))


def test_files_in_half_precision_alone_are_read(copy, ask, draw):
    for file in copy.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    picture = Engine(str(copy), device="cpu").generate(ask(), lambda report: None)[0]
    assert np.array_equal(levels(picture.image), draw(ask())[0])


@pytest.mark.parametrize("vae_dtype", [torch.float16, torch.float32])
def test_in_half_precision_the_picture_is_nearly_the_same(tiny, ask, draw, vae_dtype):
    pipeline, _ = pipeline_from_folder(tiny, torch.float16)
    half = Engine(str(tiny), device="cpu")
    half.sdxl = bundle(pipeline, name="half", sha256="")
    half.sdxl.vae.to(vae_dtype)
    picture = half.generate(ask(), lambda report: None)[0]
    assert np.abs(levels(picture.image) - draw(ask())[0]).max() <= 3
