"""Pristine copies of patched weights take room on the device like everything else, as long as there is some."""

import pytest
import torch

from loras.weights.errors import WeightsTooLarge
from loras.weights.patch import adapters_on
from loras.weights.residency import Residency
from tests.weights.residents import SIZE, SmallAdapter, SmallBase, Weights, visit

CPU = torch.device("cpu")
BASE_BYTES = 4608  # eight tensors, the largest of 576 bytes, each from a multiple of 512 on
ADAPTER_BYTES = 4096
CHANGEABLE_BYTES = 3 * 8 * 8 * 4 + 4 * 4 * 9 * 4


def worn(residency, base, *adapters):
    """Hold and wear; the base's change, and what pristine copies took."""
    with residency.hold(base, *adapters) as (held, *styles):
        before = held.weights.weights["unet.0"].clone()
        with adapters_on(held.weights, [(style, 1.0) for style in styles]):
            change = (held.weights.weights["unet.0"] - before).abs().max().item()
        assert torch.equal(held.weights.weights["unet.0"], before)
        return change, held.weights.pristine.held_bytes


def test_pristine_copies_count_against_the_device(memories):
    residency = Residency(CPU, device_bytes=99 * SIZE, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    assert worn(residency, base, SmallAdapter("style", base)) == (pytest.approx(2, abs=2), CHANGEABLE_BYTES)
    assert residency.device_budget.used == BASE_BYTES + ADAPTER_BYTES + CHANGEABLE_BYTES
    assert sum(row.nbytes for row in residency.inventory() if row.where == "device") == residency.device_budget.used


def test_without_room_for_pristine_copies_the_host_copy_serves(memories):
    residency = Residency(CPU, device_bytes=BASE_BYTES + ADAPTER_BYTES, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    change, pristine_bytes = worn(residency, base, SmallAdapter("style", base))
    assert change > 0
    assert pristine_bytes == 0


def test_on_a_processor_without_room_for_pristine_copies_adapters_stay_off():
    base = SmallBase("base")
    adapter = SmallAdapter("style", base)
    residency = Residency(CPU, device_bytes=sum(base.sizes(torch.float32)) + sum(adapter.sizes(torch.float32)))
    with pytest.raises(WeightsTooLarge, match="No room is left for a pristine copy"):
        worn(residency, base, adapter)
    visit(residency, base, adapter)


def test_pristine_copies_make_room_for_weights(memories):
    residency = Residency(
        CPU, device_bytes=BASE_BYTES + ADAPTER_BYTES + 2 * SIZE, host_bytes=99 * SIZE, blocks=memories
    )
    base = SmallBase("base")
    worn(residency, base, SmallAdapter("style", base))
    with residency.hold(base, SmallAdapter("style", base), Weights("a", 2 * SIZE)) as (held, *_):
        assert held.weights.pristine.held_bytes == 0


def test_an_idle_adapter_makes_room_for_them(memories):
    limit = BASE_BYTES + 2 * ADAPTER_BYTES + CHANGEABLE_BYTES - 1
    residency = Residency(CPU, device_bytes=limit, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    visit(residency, base, SmallAdapter("idle", base))
    assert worn(residency, base, SmallAdapter("style", base))[1] == CHANGEABLE_BYTES
    assert [row.name for row in residency.inventory() if (row.kind, row.where) == ("adapter", "device")] == ["style"]


def test_copies_of_a_base_that_left_take_no_room():
    first, second = SmallBase("first"), SmallBase("second")
    one = sum(first.sizes(torch.float32)) + sum(SmallAdapter("style", first).sizes(torch.float32)) + CHANGEABLE_BYTES
    residency = Residency(CPU, device_bytes=one)
    for base in (first, second) * 3:
        assert worn(residency, base, SmallAdapter("style", base))[1] == CHANGEABLE_BYTES
        assert residency.device_budget.used == one


def test_copies_in_use_count_when_more_is_asked_for(memories, disk):
    limit = BASE_BYTES + ADAPTER_BYTES + CHANGEABLE_BYTES + SIZE
    residency = Residency(CPU, device_bytes=limit, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    with residency.hold(base, SmallAdapter("style", base)) as (held, style), adapters_on(held.weights, [(style, 1.0)]):
        with pytest.raises(WeightsTooLarge):
            visit(residency, Weights("more", 2 * SIZE, disk))
        visit(residency, Weights("less", SIZE, disk))
    assert disk.reads == {"less": 1}


def test_adapters_go_on_only_while_the_base_is_held(memories):
    residency = Residency(CPU, device_bytes=99 * SIZE, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    with residency.hold(base, SmallAdapter("style", base)) as (held, style):
        pass
    with pytest.raises(RuntimeError, match="base is not held"), adapters_on(held.weights, [(style, 1.0)]):
        pass


def test_weights_moved_in_inference_mode_can_be_used_outside_of_it(memories):
    base = SmallBase("base")
    style = SmallAdapter("style", base)
    residency = Residency(CPU, device_bytes=BASE_BYTES + ADAPTER_BYTES, host_bytes=99 * SIZE, blocks=memories)
    with torch.inference_mode():
        worn(residency, base, style)
        residency.release_idle()
    with residency.hold(base, style) as (held, _):
        assert not any(weight.is_inference() for weight in held.weights.weights.values())
    assert worn(residency, base, style)[0] > 0
