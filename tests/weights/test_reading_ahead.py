"""Other threads read weights ahead of their use, each once, and never in the way of what is in use."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from loras.weights.errors import CheckpointUnusable, WeightsTooLarge
from loras.weights.memories import layout
from loras.weights.residency import Residency
from loras.weights.wanted import CheckpointOf
from tests.weights.residents import SIZE, Disk, SmallAdapter, SmallBase, Weights, places, visit

CPU = torch.device("cpu")


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


def test_checkpoints_read_by_several_threads_come_out_whole(tiny, tmp_path):
    copies = [CheckpointOf(str(shutil.copytree(tiny, tmp_path / f"{number}"))) for number in range(3)]
    for _ in range(3):
        residency = Residency(CPU)
        with ThreadPoolExecutor(3) as threads:
            ahead = [threads.submit(residency.prefetch, copy) for copy in copies]
        assert [each.result() for each in ahead] == [None] * 3


@pytest.fixture
def slow():
    """A disk that gives nothing yet."""
    disk = Disk()
    disk.gate.clear()
    return disk


STYLE = SmallAdapter("style", SmallBase("base"))


def room_of(*wanted):
    """How many bytes these take in host memory."""
    return sum(layout(each.sizes(torch.float32)).footprint.host for each in wanted)


@pytest.fixture
def full(memories, slow):
    """A residency with room for a base and a LoRA, of which the base is there, and a stranger's read has the rest."""
    residency = Residency(CPU, device_bytes=2**20, host_bytes=room_of(STYLE, STYLE.reads_with), blocks=memories)
    visit(residency, STYLE.reads_with)
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(residency.prefetch, Weights("s", room_of(STYLE), slow))
        assert slow.started.wait(10)
        opening = threading.Timer(2, slow.gate.set)
        opening.start()
        yield residency, ahead
        slow.gate.set()
        opening.cancel()


def test_a_hold_waits_for_no_strangers_disk(full, slow):
    residency, ahead = full
    with residency.hold(STYLE.reads_with, STYLE):
        assert not slow.gate.is_set()
        slow.gate.set()
        assert ahead.result(10) is None
        assert sorted(row.name for row in residency.inventory() if row.where == "host") == ["base", "style"]
    assert residency.host_budget.used == residency.host_budget.limit


def test_what_lost_its_room_while_it_was_read_gets_it_back_if_there_is_some(full, slow):
    residency, ahead = full
    visit(residency, STYLE)
    slow.gate.set()
    assert ahead.result(10) is None
    assert "s" in [row.name for row in residency.inventory() if row.where == "host"]
    assert residency.host_budget.used <= residency.host_budget.limit


def test_a_read_that_fails_after_it_lost_its_room_gives_none_back_twice(full, slow):
    residency, ahead = full
    slow.broken.add("s")
    visit(residency, STYLE)
    slow.gate.set()
    with pytest.raises(CheckpointUnusable):
        ahead.result(10)
    assert residency.host_budget.used == room_of(STYLE, STYLE.reads_with)


@pytest.fixture
def lora_read_slowly(memories, slow):
    """A residency whose base is kept for a LoRA that is being read; room on the device for the base alone."""
    style = SmallAdapter("style", SmallBase("base", slow))
    device_bytes = layout(style.reads_with.sizes(torch.float32)).footprint.device
    residency = Residency(CPU, device_bytes=device_bytes, host_bytes=room_of(style, style.reads_with), blocks=memories)
    slow.gate.set()
    visit(residency, style.reads_with)
    slow.gate.clear()
    slow.started.clear()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(residency.prefetch, style)
        assert slow.started.wait(10)
        yield residency
        slow.gate.set()


def test_weights_leave_the_device_while_a_lora_for_them_is_read(lora_read_slowly, slow):
    threading.Timer(1, slow.gate.set).start()
    lora_read_slowly.host_budget.limit *= 2
    with lora_read_slowly.hold(Weights("w", lora_read_slowly.device_budget.limit)):
        assert not slow.gate.is_set()


def test_a_hold_waits_for_a_base_whose_lora_is_being_read(lora_read_slowly, slow):
    threading.Timer(0.1, slow.gate.set).start()
    other = SmallAdapter("other", SmallBase("more"))
    with lora_read_slowly.hold(other.reads_with):
        assert slow.gate.is_set()


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


def test_the_inventory_names_what_is_being_read(residency, five, disk):
    disk.gate.clear()
    with ThreadPoolExecutor(1) as thread:
        thread.submit(residency.prefetch, five[0])
        assert disk.started.wait(10)
        rows = residency.inventory()
        disk.gate.set()
    assert [(row.name, row.where, row.nbytes, row.why) for row in rows] == [("a", "host", SIZE, "being read from disk")]
