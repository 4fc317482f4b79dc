"""A checkpoint, a ControlNet and a refiner that are small enough for a bench to be tested with."""

import pytest
import torch

from bench.companions import Companions, random_refiner
from tests.engine.companions import learnt_controlnet
from tests.engine.tiny_sdxl import make_tiny_sdxl
from tests.weights.tiny_others import tiny_refiner_unet

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_sdxl(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("companions")
    controlnet = learnt_controlnet(folder / "controlnet", seed=3)
    return Companions(controlnet, random_refiner(tiny_refiner_unet(), folder / "refiner", CPU))
