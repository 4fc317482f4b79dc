"""Both sides of the benches draw what is asked, on checkpoints and LoRAs that were put on a shelf for them."""

import io
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.kinds import with_controlnet, with_refiner
from bench.naive import NaiveServer
from bench.ours import OurServer
from bench.shelf import shelve_checkpoints, shelve_loras
from generation.engine.spec import Spec

CPU = torch.device("cpu")
SIZE = {"width": 64, "height": 64, "steps": 2, "guidance_scale": 5.0, "scheduler": "EulerDiscreteScheduler"}


@pytest.fixture
def checkpoints(tiny, tmp_path):
    return shelve_checkpoints(tiny, ["M0", "M1", "M2"], 2, tmp_path)


@pytest.fixture
def lora(tiny, tmp_path):
    return shelve_loras(tiny, ["L1"], tmp_path / "loras")["L1"]


def spec(checkpoint, **said) -> Spec:
    asked = {"checkpoint": str(checkpoint), "prompt": "fox", "negative_prompt": "", "seed": 7, "n": 1, **SIZE}
    return Spec(**{**asked, **said})


def draw(server, *specs) -> list[np.ndarray]:
    files = [file for promised in [server.submit(each) for each in specs] for file in promised.result()]
    return [np.asarray(Image.open(io.BytesIO(file))).astype(int) for file in files]


def test_a_copy_is_a_folder_of_its_own_and_rarer_checkpoints_share_one(checkpoints):
    assert checkpoints["M0"] == checkpoints["M2"] != checkpoints["M1"]
    assert (checkpoints["M1"] / "unet" / "config.json").resolve() != checkpoints["M1"] / "unet" / "config.json"


@pytest.mark.parametrize("kind", [NaiveServer, OurServer])
def test_a_side_counts_its_switches(kind, checkpoints, lora):
    first, second = spec(checkpoints["M0"]), spec(checkpoints["M1"], loras=(lora,))
    with closing(kind(CPU)) as server:
        draw(server, first, first, second)
        assert (server.checkpoint_switches, server.lora_switches) == (2, 1)


def test_both_sides_draw_the_same_pictures(checkpoints, lora):
    asked = [spec(checkpoints["M0"], n=2), spec(checkpoints["M0"], loras=(lora,)), spec(checkpoints["M0"])]
    with closing(NaiveServer(CPU)) as naive, closing(OurServer(CPU)) as ours:
        pairs = zip(draw(naive, *asked), draw(ours, *asked), strict=True)
        assert max(np.abs(theirs - mine).max() for theirs, mine in pairs) <= 1


def test_both_sides_follow_a_controlnet_and_refine(tiny, made, lora):
    plain = spec(tiny, n=2, steps=5, loras=(lora,))
    refined = with_refiner(made, plain)
    early = replace(refined, refiner=replace(refined.refiner, start=0.4))
    asked = [with_controlnet(made, plain), early, plain]
    with closing(NaiveServer(CPU)) as naive, closing(OurServer(CPU)) as ours:
        theirs, mine = draw(naive, *asked), draw(ours, *asked)
    assert max(np.abs(one - other).max() for one, other in zip(theirs, mine, strict=True)) <= 1
    assert [np.abs(mine[place] - mine[4]).max() > 1 for place in (0, 2)] == [True, True]
