"""Weights are held on the device as long as somebody uses them; the rest goes when room is needed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from loras.weights.errors import CheckpointUnusable, WeightsTooLarge
from loras.weights.patch import adapters_on
from loras.weights.residency import Residency
from tests.weights.residents import Disk, SmallAdapter, SmallBase, TwoMemories, Weights

CPU = torch.device("cpu")
SIZE = 1024


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def memories():
    return TwoMemories()


@pytest.fixture
def residency(memories):
    """Room for two on the device and for three in host memory."""
    return Residency(CPU, device_bytes=2 * SIZE, host_bytes=3 * SIZE, blocks=memories)


@pytest.fixture
def five(disk):
    return [Weights(name, SIZE, disk) for name in "abcde"]


def places(residency):
    """Who is where, in one line."""
    return {where: "".join(row.name for row in residency.inventory() if row.where == where) for where in WHERE}


WHERE = ("device", "host")


def visit(residency, *wanted):
    with residency.hold(*wanted):
        pass


def test_what_is_held_comes_in_the_order_asked(residency, five):
    with residency.hold(five[1], five[0]) as held:
        assert all(torch.equal(each, five[number].expected()) for each, number in zip(held, (1, 0), strict=True))


def test_what_was_held_is_not_read_again(residency, five, disk):
    visit(residency, five[0])
    visit(residency, five[0], five[0])
    assert disk.reads == {"a": 1}


def test_the_least_recently_used_leaves_the_device_first_and_then_host_memory(residency, five):
    for each in (*five[:3], five[1], five[3]):
        visit(residency, each)
    assert places(residency) == {"device": "bd", "host": "cbd"}


def test_what_is_in_use_never_leaves(residency, five):
    with residency.hold(five[0]) as (held,):
        for each in five[1:]:
            visit(residency, each)
        assert torch.equal(held, five[0].expected())
        assert places(residency)["device"] == "ae"


def test_what_is_wanted_together_does_not_drive_itself_out(residency, five, disk):
    visit(residency, five[0])
    visit(residency, five[1])
    visit(residency, five[2], five[0])
    assert disk.reads == {"a": 1, "b": 1, "c": 1}


def test_weights_come_back_bit_for_bit_as_the_same_objects(residency, memories):
    base = SmallBase("base")
    residency = Residency(CPU, device_bytes=20 * SIZE, host_bytes=20 * SIZE, blocks=memories)
    with residency.hold(base) as (held,):
        before = {name: (weight, weight.clone(), weight.stride()) for name, weight in held.weights.weights.items()}
    assert residency.release_idle() > 0
    assert memories.live["device"] == 0
    with residency.hold(base) as (held,):
        for name, (weight, values, stride) in before.items():
            assert held.weights.weights[name] is weight
            assert torch.equal(weight, values)
            assert weight.stride() == stride


def test_too_much_at_once_is_refused_before_anything_goes(residency, five):
    visit(residency, five[0], five[1])
    with pytest.raises(WeightsTooLarge, match=r"a and b and c need 3,072 bytes of device memory at once.*is 2,048"):
        visit(residency, *five[:3])
    assert places(residency) == {"device": "ab", "host": "ab"}


def test_too_much_beside_what_is_in_use_is_refused(residency, five):
    visit(residency, five[2])
    with residency.hold(five[0]), pytest.raises(WeightsTooLarge, match="a and d and e need"):
        visit(residency, five[3], five[4])
    assert places(residency)["device"] == "ca"


def test_what_would_never_fit_is_not_read_ahead(residency, disk):
    with pytest.raises(WeightsTooLarge, match="device memory"):
        residency.prefetch(Weights("huge", 3 * SIZE, disk))
    assert not disk.reads


def test_reading_ahead_stops_at_host_memory(residency, five, memories):
    residency.prefetch(five[0])
    assert places(residency) == {"device": "", "host": "a"}
    assert memories.live["device"] == 0


def test_reading_ahead_drives_out_nothing_in_use(residency, five):
    with residency.hold(five[0]):
        residency.prefetch(*five[1:])
    assert places(residency) == {"device": "a", "host": "ade"}


def test_reading_ahead_without_room_is_left_to_the_hold(disk, memories):
    residency = Residency(CPU, device_bytes=SIZE, host_bytes=SIZE, blocks=memories)
    first, second = Weights("a", SIZE, disk), Weights("b", SIZE, disk)
    with residency.hold(first):
        residency.prefetch(second)
    assert not disk.reads["b"]
    visit(residency, second)
    assert places(residency) == {"device": "b", "host": "b"}


def test_threads_that_want_the_same_read_it_once(residency, five, disk):
    disk.gate.clear()
    with ThreadPoolExecutor(8) as threads:
        ahead = [threads.submit(residency.prefetch, five[0]) for _ in range(8)]
        disk.gate.set()
        visit(residency, five[0])
    assert [each.result() for each in ahead] == [None] * 8
    assert disk.reads == {"a": 1}


def test_a_hold_waits_for_room_another_thread_is_about_to_leave(disk, memories):
    residency = Residency(CPU, device_bytes=SIZE, host_bytes=SIZE, blocks=memories)
    ahead, wanted, slow = Disk(), Weights("b", SIZE, disk), Weights("a", SIZE)
    slow = Weights("a", SIZE, ahead)
    ahead.gate.clear()
    reader = threading.Thread(target=residency.prefetch, args=(slow,))
    reader.start()
    while not ahead.reads:
        pass
    threading.Timer(0.05, ahead.gate.set).start()
    visit(residency, wanted)
    reader.join()
    assert places(residency) == {"device": "b", "host": "b"}


def test_a_failed_read_is_not_remembered(residency, five, disk):
    disk.broken.add("a")
    with pytest.raises(CheckpointUnusable):
        residency.prefetch(five[0])
    assert residency.inventory() == []
    assert residency.host_budget.used == 0
    disk.broken.clear()
    visit(residency, five[0])
    assert disk.reads == {"a": 2}


@pytest.mark.parametrize("said_bytes", [SIZE // 2, 2 * SIZE])
def test_headers_that_told_the_wrong_size_are_put_right(said_bytes, residency):
    visit(residency, Weights("a", SIZE, said_bytes=said_bytes))
    assert (residency.device_budget.used, residency.host_budget.used) == (SIZE, SIZE)


def test_more_than_the_headers_told_may_be_too_much(residency):
    with pytest.raises(WeightsTooLarge):
        visit(residency, Weights("a", 4 * SIZE, said_bytes=SIZE))
    assert (residency.inventory(), residency.host_budget.used) == ([], 0)


def test_an_adapter_is_read_beside_its_base(memories, disk):
    residency = Residency(CPU, device_bytes=20 * SIZE, host_bytes=20 * SIZE, blocks=memories)
    base = SmallBase("base", disk)
    residency.prefetch(SmallAdapter("style", base))
    assert {(row.kind, row.where) for row in residency.inventory()} == {("checkpoint", "host"), ("adapter", "host")}
    assert disk.reads == {"base": 1, "style": 1}


def test_on_a_processor_there_is_one_memory(five, disk):
    residency = Residency(CPU, device_bytes=2 * SIZE, host_bytes=0)
    residency.prefetch(five[0])
    visit(residency, five[1])
    visit(residency, five[2])
    assert places(residency) == {"device": "bc", "host": ""}
    assert residency.release_idle() == 2 * SIZE
    assert (residency.inventory(), residency.device_budget.used) == ([], 0)


def test_what_is_put_away_is_free_even_if_somebody_still_knows_it(five):
    residency = Residency(CPU, device_bytes=SIZE)
    with residency.hold(five[0]) as (held,):
        pass
    visit(residency, five[1])
    assert held.nbytes == 0


def test_after_memory_ran_out_only_what_is_in_use_stays_on_the_device(residency, five):
    visit(residency, five[1])
    with residency.hold(five[0]):
        assert residency.release_idle() == SIZE
        assert places(residency) == {"device": "a", "host": "ba"}


def test_the_inventory_says_what_and_why(residency, five):
    residency.prefetch(five[1])
    visit(residency, five[2])
    with residency.hold(five[0]), residency.hold(five[0]):
        rows = {(row.name, row.where): row for row in residency.inventory()}
    assert (rows["a", "device"].why, rows["a", "device"].held) == ("in use", 2)
    assert rows["b", "host"].why == "read ahead"
    assert rows["c", "device"].why == "used before, kept until room is needed"
    assert 0 <= rows["c", "device"].idle_seconds < 10
    assert {row.nbytes for row in rows.values()} == {SIZE}


def test_the_inventory_names_what_is_being_read(residency, five, disk):
    disk.gate.clear()
    reader = threading.Thread(target=residency.prefetch, args=(five[0],))
    reader.start()
    while not disk.reads:
        pass
    rows = residency.inventory()
    disk.gate.set()
    reader.join()
    assert [(row.name, row.where, row.nbytes, row.why) for row in rows] == [("a", "host", SIZE, "being read from disk")]


def worn(residency, base, *adapters):
    """Hold and wear; the base's change, and what pristine copies took."""
    with residency.hold(base, *adapters) as (held, *styles):
        before = held.weights.weights["unet.0"].clone()
        with adapters_on(held.weights, [(style, 1.0) for style in styles]):
            change = (held.weights.weights["unet.0"] - before).abs().max().item()
        assert torch.equal(held.weights.weights["unet.0"], before)
        return change, held.weights.pristine.held_bytes


BASE_BYTES = 4608  # eight tensors, the largest of 576 bytes, each from a multiple of 512 on
ADAPTER_BYTES = 4096
CHANGEABLE_BYTES = 3 * 8 * 8 * 4 + 4 * 4 * 9 * 4


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


def test_adapters_go_on_only_while_the_base_is_held(memories):
    residency = Residency(CPU, device_bytes=99 * SIZE, host_bytes=99 * SIZE, blocks=memories)
    base = SmallBase("base")
    with residency.hold(base, SmallAdapter("style", base)) as (held, style):
        pass
    with pytest.raises(RuntimeError, match="base is not held"), adapters_on(held.weights, [(style, 1.0)]):
        pass


def test_budgets_left_out_are_measured():
    residency = Residency(CPU)
    assert residency.device_budget.limit > 2**28
    assert residency.host_budget.limit > 2**28
