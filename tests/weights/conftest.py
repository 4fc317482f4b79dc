"""The tiny checkpoint as a base for adapters, its weights as they were, and diffusers' own way to put LoRAs on it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionXLPipeline

from loras.weights.adapters import read_adapter
from loras.weights.keys import PARTS
from loras.weights.patch import Adapter, BaseWeights
from loras.weights.residency import Residency
from loras.weights.sdxl import Sdxl, load_sdxl
from tests.engine.tiny_sdxl import make_tiny_sdxl
from tests.weights.lora_files import Tensors, saved
from tests.weights.residents import SIZE, Disk, TwoMemories, Weights


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_sdxl(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def sdxl(tiny: Path) -> Sdxl:
    return load_sdxl(str(tiny), torch.device("cpu"))


@pytest.fixture
def base(sdxl: Sdxl) -> BaseWeights:
    return BaseWeights(sdxl)


@pytest.fixture
def adapter(base: BaseWeights, tmp_path: Path) -> Callable[[Tensors], Adapter]:
    """Read tensors through a file into an adapter."""
    return lambda tensors: read_adapter(saved(tensors, tmp_path / "lora.safetensors"), base)


@pytest.fixture
def fused(tiny: Path) -> Callable[..., Tensors]:
    """The weights after diffusers loaded LoRA files and fused them, by BaseWeights' names."""

    def fuse(*files: Path, strengths: tuple[float, ...] = (1.0,)) -> Tensors:
        pipeline = StableDiffusionXLPipeline.from_pretrained(tiny, add_watermarker=False)
        names = [f"lora{number}" for number in range(len(files))]
        for name, file in zip(names, files, strict=True):
            pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name)
        pipeline.set_adapters(names, list(strengths))
        pipeline.fuse_lora(components=list(PARTS))
        return {
            f"{part}.{name.replace('.base_layer', '')}": module.weight
            for part in PARTS
            for name, module in getattr(pipeline, part).named_modules()
            if isinstance(module, torch.nn.Linear | torch.nn.Conv2d) and ".lora_" not in name
        }

    return fuse


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def memories() -> TwoMemories:
    return TwoMemories()


@pytest.fixture
def residency(memories: TwoMemories) -> Residency:
    """Room for two on the device and for three in host memory."""
    return Residency(torch.device("cpu"), device_bytes=2 * SIZE, host_bytes=3 * SIZE, blocks=memories)


@pytest.fixture
def five(disk: Disk) -> list[Weights]:
    return [Weights(name, SIZE, disk) for name in "abcde"]


def copied(base: BaseWeights) -> Tensors:
    return {name: weight.detach().clone() for name, weight in base.weights.items()}


def assert_pristine(base: BaseWeights, before: Tensors) -> None:
    assert all(torch.equal(weight, before[name]) for name, weight in base.weights.items())


def assert_within_rounding(base: BaseWeights, expected: Tensors) -> None:
    """Every weight is the expected one, but for one rounding of ours and one of theirs."""
    assert base.weights.keys() == expected.keys()
    for name, weight in base.weights.items():
        rounding = torch.finfo(weight.dtype).eps * expected[name].abs().max()
        assert (weight - expected[name]).abs().max() <= 2 * rounding, name
