"""The real weights through a Residency: what comes out, under which sizes, bit for bit after being away."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch

from loras.weights.errors import CheckpointUnusable, LoraUnusable, WeightsTooLarge
from loras.weights.patch import BaseWeights, adapters_on
from loras.weights.residency import Residency
from loras.weights.sdxl import load_sdxl
from loras.weights.sources import sha256_of
from loras.weights.wanted import AdapterOf, CheckpointOf, ControlNetOf, RefinerOf, tensors_of
from tests.weights.conftest import assert_pristine, copied
from tests.weights.lora_files import CONVOLUTIONS, FEED_FORWARD, TEXT, UNET, peft_lora, saved
from tests.weights.residents import TwoMemories
from tests.weights.tiny_others import make_tiny_controlnet, make_tiny_refiner

CPU = torch.device("cpu")
LAYERS = UNET + FEED_FORWARD + CONVOLUTIONS


@pytest.fixture(params=[True, False], ids=["two memories", "one memory"])
def memories(request):
    return TwoMemories() if request.param else None


@pytest.fixture
def other(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "other")


@pytest.fixture(scope="module")
def loras(sdxl, tmp_path_factory):
    """Five files, of other layers and ranks each."""
    folder = tmp_path_factory.mktemp("loras")
    layers = {1: LAYERS[:8], 2: LAYERS[4:], 4: UNET, 8: CONVOLUTIONS, 16: FEED_FORWARD}
    return [
        saved(peft_lora(sdxl, layers[rank], TEXT, rank=rank, seed=rank), folder / f"rank {rank}.safetensors")
        for rank in layers
    ]


def adapters(loras, checkpoint):
    return [AdapterOf(file, sha256_of([file]), str(checkpoint)) for file in loras]


def room_for_two(checkpoint, files, memories):
    """What the checkpoint takes on the device with its two largest adapters, and copies of all they may change."""
    residency = Residency(CPU, device_bytes=2**30, host_bytes=2**30, blocks=memories)
    with residency.hold(checkpoint, *files) as (base, *worn), adapters_on(base.weights, [(each, 1.0) for each in worn]):
        sizes = sorted(row.nbytes for row in residency.inventory() if (row.kind, row.where) == ("adapter", "device"))
        return residency.device_budget.used - sum(sizes[:-2])


def test_everything_a_picture_can_need_is_held_at_once(tiny, loras, memories, tmp_path):
    refiner, controlnet = make_tiny_refiner(tmp_path / "refiner"), make_tiny_controlnet(tmp_path / "canny")
    wanted = RefinerOf(str(refiner)), adapters(loras, tiny)[0], CheckpointOf(str(tiny)), ControlNetOf(str(controlnet))
    residency = Residency(CPU, blocks=memories)
    with residency.hold(*wanted) as (refines, adapter, base, controls):
        assert (refines.name, adapter.name, base.sdxl.name) == ("refiner", "rank 1", "tiny")
        assert controls.config.conditioning_channels == 3
        assert {row.kind for row in residency.inventory()} == {"checkpoint", "adapter", "refiner", "ControlNet"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_headers_tell_the_sizes_before_anything_is_read(dtype, tiny, loras, tmp_path):
    others = RefinerOf(str(make_tiny_refiner(tmp_path / "refiner"))), ControlNetOf(str(make_tiny_controlnet(tmp_path)))
    base = CheckpointOf(str(tiny))
    companion = base.read(dtype, None).value
    for wanted in (base, *others, *adapters(loras, tiny)):
        read = wanted.read(dtype, companion if wanted.reads_with else None)
        assert sum(wanted.sizes(dtype)) == pytest.approx(sum(tensor.nbytes for tensor in read.tensors), rel=0.01)
        assert {tensor.dtype for tensor in read.tensors if tensor.is_floating_point()} == {dtype}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_a_vae_that_overflows_stays_in_full(dtype, other):
    config = other / "vae/config.json"
    config.write_text(config.read_text().replace('"force_upcast": false', '"force_upcast": true'))
    residency = Residency(CPU, dtype=dtype)
    with residency.hold(CheckpointOf(str(other))) as (base,):
        assert (base.sdxl.dtype, base.sdxl.vae.dtype) == (dtype, torch.float32)
        expected = sum(CheckpointOf(str(other)).sizes(dtype))
        assert residency.device_budget.used == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_weights_asked_for_in_another_dtype_are_others_of_the_same_source(dtype, tiny, loras, tmp_path):
    others = RefinerOf(str(make_tiny_refiner(tmp_path / "refiner"))), ControlNetOf(str(make_tiny_controlnet(tmp_path)))
    usual = CheckpointOf(str(tiny)), *others, adapters(loras, tiny)[0]
    again = [replace(each, dtype=dtype) for each in usual]
    residency = Residency(CPU, dtype=torch.float16)
    with residency.hold(*usual), residency.hold(*again) as held:
        said = sum(sum(each.sizes(torch.float16)) for each in (*usual, *again))
        assert residency.device_budget.used == pytest.approx(said, rel=0.01)
        assert {row.name for row in residency.inventory()} >= {"tiny", f"tiny in {dtype}"}
    base, refiner, controlnet, adapter = held
    drawn_in = base.sdxl.dtype, refiner.unet.dtype, controlnet.dtype, adapter.patches[0].up.dtype
    assert set(drawn_in) == {getattr(torch, dtype)}


def test_a_checkpoint_that_was_away_is_the_same_checkpoint(tiny, sdxl):
    memories = TwoMemories()
    residency, checkpoint = Residency(CPU, blocks=memories), CheckpointOf(str(tiny))
    for _ in range(3):
        with residency.hold(checkpoint) as (base,):
            pairs = zip(base.sdxl.modules, sdxl.modules, strict=True)
            assert all(
                torch.equal(ours, theirs) and ours.stride() == theirs.stride()
                for mine, yours in pairs
                for ours, theirs in zip(tensors_of([mine]), tensors_of([yours]), strict=True)
            )
        residency.release_idle()
        assert memories.live["device"] == 0


def test_it_draws_the_same_after_being_away(tiny, sdxl):
    residency, checkpoint = Residency(CPU, blocks=TwoMemories()), CheckpointOf(str(tiny))
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with residency.hold(checkpoint) as (base,):
        first = base.sdxl.vae.decode(latents).sample
    residency.release_idle()
    with residency.hold(checkpoint) as (base,):
        assert torch.equal(base.sdxl.vae.decode(latents).sample, first)
        assert torch.equal(first, sdxl.vae.decode(latents).sample)


def test_two_of_five_adapters_and_one_of_two_checkpoints(tiny, other, loras, memories):
    both = {source: (CheckpointOf(str(source)), adapters(loras, source)) for source in (tiny, other)}
    limit = room_for_two(*both[tiny], memories and TwoMemories())
    residency = Residency(CPU, device_bytes=limit, host_bytes=2 * limit, blocks=memories)
    draw, before = random.Random(5), None
    for _ in range(24):
        checkpoint, files = both[draw.choice((tiny, other))]
        with residency.hold(checkpoint, *draw.sample(files, 2)) as (base, *worn):
            before = before or copied(base.weights)  # the two checkpoints are alike
            with adapters_on(base.weights, [(adapter, draw.uniform(-2, 2)) for adapter in worn]):
                assert residency.device_budget.used <= limit
            assert_pristine(base.weights, before)
    assert memories is None or memories.most["device"] <= limit


def test_a_thousand_swaps_leave_the_base_as_it_was_and_memory_flat(tiny, loras, memories):
    residency, draw, resident_bytes = Residency(CPU, blocks=memories), random.Random(7), []
    checkpoint, files = CheckpointOf(str(tiny)), adapters(loras, tiny)
    with residency.hold(checkpoint) as (base,):
        before = copied(base.weights)
    for swap in range(1000):
        with residency.hold(checkpoint, *draw.sample(files, draw.randint(1, 4))) as (base, *worn):
            strengths = [draw.uniform(-2, 2) for _ in worn]
            with adapters_on(base.weights, list(zip(worn, strengths, strict=True))):
                pass
        if swap in (300, 999):
            resident_bytes.append((residency.device_budget.used, psutil.Process().memory_info().rss))
    assert_pristine(base.weights, before)
    (first, first_rss), (last, last_rss) = resident_bytes
    assert (last, last_rss) <= (first, first_rss + 4 * 2**20)


def test_the_same_lora_of_two_tenants_is_resident_once(tiny, loras, memories, tmp_path):
    theirs = AdapterOf(shutil.copy(loras[0], tmp_path / "secret project.safetensors"), sha256_of([loras[0]]), str(tiny))
    residency = Residency(CPU, blocks=memories)
    with residency.hold(theirs) as (first,), residency.hold(*adapters(loras[:1], tiny)) as (second,):
        rows = [row for row in residency.inventory() if (row.kind, row.where) == ("adapter", "device")]
        assert first is second
        assert [row.name for row in rows] == [theirs.sha256[:12]]


def test_a_refusal_names_what_was_asked_for_and_not_what_others_use(tiny, loras):
    residency = Residency(CPU, device_bytes=sum(CheckpointOf(str(tiny)).sizes(torch.float32)) * 3 // 2)
    mine = CheckpointOf(str(tiny), "float64")
    with (
        residency.hold(*adapters(loras[:1], tiny)),
        pytest.raises(WeightsTooLarge, match=r"^tiny in float64 and what is in use need") as refused,
        residency.hold(mine),
    ):
        pass
    assert sha256_of([loras[0]])[:12] not in str(refused.value)


def test_a_file_with_other_content_is_read_anew(tiny, sdxl, tmp_path):
    file = saved(peft_lora(sdxl, UNET), tmp_path / "style.safetensors")
    residency = Residency(CPU)
    with residency.hold(AdapterOf(file, sha256_of([file]), str(tiny))) as (old,):
        saved(peft_lora(sdxl, FEED_FORWARD), file)
        with residency.hold(AdapterOf(file, sha256_of([file]), str(tiny))) as (new,):
            assert {patch.weight for patch in old.patches}.isdisjoint(patch.weight for patch in new.patches)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (CheckpointOf("/nowhere"), CheckpointUnusable),
        (RefinerOf("/nowhere"), CheckpointUnusable),
        (ControlNetOf("/nowhere"), CheckpointUnusable),
        (AdapterOf(Path("/nowhere.safetensors"), "", "/nowhere"), (CheckpointUnusable, LoraUnusable)),
    ],
)
def test_what_is_not_there_is_refused_and_not_remembered(wanted, error):
    residency = Residency(CPU)
    with pytest.raises(error):
        residency.prefetch(wanted)
    with pytest.raises(error), residency.hold(wanted):
        pass
    assert (residency.inventory(), residency.device_budget.used) == ([], 0)


def test_a_file_that_is_not_what_was_registered_is_refused(tiny, sdxl, tmp_path):
    file = saved(peft_lora(sdxl, UNET), tmp_path / "style.safetensors")
    asked = AdapterOf(file, sha256_of([file]), str(tiny))
    saved(peft_lora(sdxl, UNET, seed=1), file)
    with pytest.raises(LoraUnusable, match="not the file that was registered"):
        Residency(CPU).prefetch(asked)


def test_a_lora_for_another_checkpoint_leaves_the_checkpoint(tiny, tmp_path):
    halves = {"down": torch.ones(2, 8), "up": torch.ones(8, 2)}
    tensors = {f"lora_unet_input_blocks_9_1_proj_in.lora_{half}.weight": each for half, each in halves.items()}
    file = saved(tensors, tmp_path / "style.safetensors")
    residency = Residency(CPU)
    with (
        pytest.raises(LoraUnusable),
        residency.hold(CheckpointOf(str(tiny)), AdapterOf(file, sha256_of([file]), str(tiny))),
    ):
        pass
    assert [(row.kind, row.held) for row in residency.inventory()] == [("checkpoint", 0)]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_on_a_gpu_weights_leave_and_come_back_bit_for_bit(dtype, tiny, loras):
    device = torch.device("cuda")
    residency, checkpoint, style = Residency(device, dtype=dtype), CheckpointOf(str(tiny)), adapters(loras, tiny)[1]
    before = copied(BaseWeights(load_sdxl(str(tiny), device, dtype)))
    for _ in range(3):
        with residency.hold(checkpoint, style) as (base, adapter):
            assert base.sdxl.device.type == adapter.patches[0].up.device.type == "cuda"
            with adapters_on(base.weights, [(adapter, 0.7)]):
                pass
            assert_pristine(base.weights, before)
        held = torch.cuda.memory_allocated()
        assert residency.release_idle() > 0
        assert torch.cuda.memory_allocated() < held
