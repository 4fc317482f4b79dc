"""What a ControlNet and the refiner cost is counted right: FLOPs, calls of the VAE, switches."""

from concurrent.futures import Future
from contextlib import closing
from threading import Timer

import pytest
import torch

from bench.bare import flops
from bench.clocks import processor_seconds, seconds
from bench.companions import controlnet_of, random_controlnet, refiner_unet
from bench.controlnet import counted, switches, timed
from bench.kinds import kinds_of, with_controlnet, with_refiner
from bench.ours import OurServer
from bench.refiner import RoundTrip, drawn
from bench.rows import plain_spec
from bench.shelf import shelve_loras
from bench.soak import is_plain, of_kinds
from loras.weights.controlnet import load_controlnet
from loras.weights.sdxl import load_sdxl
from loras.weights.single_file import SDXL_CONFIG

CPU = torch.device("cpu")


@pytest.fixture
def plain(tiny):
    return plain_spec(str(tiny), side=64, steps=5)


def test_flops_grow_by_what_each_step_adds(tiny, plain):
    one, two, three = (flops(tiny, plain_spec(str(tiny), side=64, steps=steps)) for steps in (1, 2, 3))
    assert one > three - two == two - one > 0


def test_a_controlnet_costs_more_than_nothing_and_less_than_the_job_again(tiny, made, plain):
    assert 1 < counted(tiny, made.controlnet, plain)["ratio"] < 2


def test_the_full_size_models_have_the_published_numbers_of_parameters():
    controlnet, refiner = (parameters(model) for model in (controlnet_of(SDXL_CONFIG), refiner_unet()))
    assert controlnet == pytest.approx(1.25e9, rel=0.01)
    assert refiner == pytest.approx(2.27e9, rel=0.01)


def parameters(model):
    return sum(weight.numel() for weight in model.parameters())


def test_a_random_controlnet_fits_its_checkpoint(tiny, tmp_path):
    controlnet = load_controlnet(str(random_controlnet(tiny, tmp_path / "random", CPU)), CPU)
    assert controlnet.config.block_out_channels == load_sdxl(str(tiny), CPU).unet.config.block_out_channels


def test_the_hand_over_takes_no_call_of_the_vae_and_the_round_trip_takes_two(made, plain):
    refined = with_refiner(made, plain)
    with closing(OurServer(CPU)) as ours, closing(RoundTrip(CPU)) as theirs:
        assert (
            drawn(ours, seconds, plain).vae_calls
            == drawn(ours, seconds, refined).vae_calls
            == {"encode": 0, "decode": 1}
        )
        assert drawn(theirs, seconds, refined).vae_calls == {"encode": 1, "decode": 2}


def test_servers_are_timed_each_for_itself(made, plain):
    with closing(OurServer(CPU)) as ours:
        row = timed([ours], seconds, plain, with_controlnet(made, plain), rounds=1)["ours"]
    assert row["ratio"] == row["controlnet"] / row["plain"] > 0


def test_switching_reads_nothing_again(tiny, made, plain, tmp_path):
    lora = shelve_loras(tiny, ["lora"], tmp_path / "loras")["lora"]
    taken = switches(with_controlnet(made, plain), lora, CPU, tmp_path)
    assert 0 < taken["checkpoint bare"] < taken["read from disk"]


def test_a_part_of_the_specs_becomes_other_kinds_in_turn(made, plain):
    kinds = kinds_of(made)
    specs = of_kinds([plain] * 20, 0.5, kinds)
    assert [is_plain(spec) for spec in specs] == [False] * 10 + [True] * 10
    assert len(kinds) == 6


def test_waiting_takes_no_processor_time(plain):
    class Asleep:
        def submit(self, spec):
            promised = Future()
            Timer(0.3, promised.set_result, [[b"PNG"]]).start()
            return promised

    assert seconds(Asleep(), [plain]) >= 0.3 > processor_seconds(Asleep(), [plain])
