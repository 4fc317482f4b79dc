"""Random streams of requests: the budgets hold, what is in use stays, and no more leaves than must."""

import random
import threading
from collections import OrderedDict
from contextlib import ExitStack
from itertools import islice
from typing import Any

import pytest
import torch

from loras.weights.memories import layout
from loras.weights.patch import adapters_on
from loras.weights.residency import Residency
from tests.weights.residents import Disk, SmallAdapter, SmallBase, TwoMemories, Weights

CPU = torch.device("cpu")
BASE, ADAPTER = 8192, 1024
ROUNDS = 2000  # holds in a stream


class Lru:
    """The least that has to be put away: what was used longest ago, and only when there is no room."""

    def __init__(self, limit: int) -> None:
        self.limit, self.inside, self.misses = limit, OrderedDict(), 0

    def use(self, sizes: dict[Any, int]) -> list[Any]:
        """Use these together, in this order; return what had to go."""
        gone = []
        for each, size in sizes.items():
            self.misses += each not in self.inside
            self.inside[each] = size
            self.inside.move_to_end(each)
            while sum(self.inside.values()) > self.limit:
                gone.append(next(old for old in self.inside if old not in sizes))
                del self.inside[gone[-1]]
        return gone

    def lose(self, gone: list[Any]) -> None:
        for each in gone:
            self.inside.pop(each, None)


def requests(seed, disk):
    """A base and up to two of its adapters at a time: five adapters there are, and two bases."""
    draw = random.Random(seed)
    bases = [Weights(f"base {number}", BASE, disk) for number in range(2)]
    adapters = {base: [Weights(f"{base.name}'s {n}", ADAPTER, disk, base) for n in range(5)] for base in bases}
    for _ in range(ROUNDS):
        base = draw.choice(bases)
        yield (base, *draw.sample(adapters[base], draw.randint(0, 2)))


def held(residency, wanted):
    """Hold, and find the right numbers at the end too."""
    with residency.hold(*wanted) as values:
        return all(torch.equal(value, each.expected()) for value, each in zip(values, wanted, strict=True))


def sizes(wanted, lru):
    """What is there is used before what has to be read."""
    return {each: each.nbytes for each in sorted(wanted, key=lambda each: each not in lru.inside)}


@pytest.mark.parametrize("seed", range(2))
def test_on_one_memory_as_little_is_read_as_lru_reads(seed):
    disk, lru = Disk(), Lru(BASE + 2 * ADAPTER)
    residency = Residency(CPU, device_bytes=lru.limit)
    for wanted in requests(seed, disk):
        lru.use(sizes(wanted, lru))
        assert held(residency, wanted)
        assert residency.device_budget.used == sum(lru.inside.values()) <= lru.limit
    assert disk.reads.total() == lru.misses < 2 * ROUNDS


@pytest.mark.parametrize("seed", range(2))
def test_on_two_memories_as_little_moves_as_lru_moves(seed):
    disk, memories = Disk(), TwoMemories()
    device, host = Lru(BASE + 2 * ADAPTER), Lru(2 * BASE + 3 * ADAPTER)
    residency = Residency(CPU, device_bytes=device.limit, host_bytes=host.limit, blocks=memories)
    for wanted in requests(seed, disk):
        used = sizes(wanted, host)
        device.lose(host.use(used))
        device.use(used)
        assert held(residency, wanted)
    assert (disk.reads.total(), memories.made["device"]) == (host.misses, device.misses)
    assert memories.most["device"] <= device.limit
    assert memories.most["host"] <= host.limit


@pytest.mark.parametrize("memories", [TwoMemories(), None], ids=["two memories", "one memory"])
def test_threads_reading_ahead_never_break_a_hold(memories):
    disk = Disk()
    residency = Residency(CPU, device_bytes=BASE + 2 * ADAPTER, host_bytes=2 * BASE + 2 * ADAPTER, blocks=memories)
    stop = threading.Event()

    def read_ahead(number):
        for wanted in requests(number, disk):
            residency.prefetch(*wanted)
            if stop.is_set():
                return

    readers = [threading.Thread(target=read_ahead, args=(100 + number,)) for number in range(3)]
    with ExitStack() as stack:
        stack.callback(lambda: [reader.join() for reader in readers])
        stack.callback(stop.set)
        for reader in readers:
            reader.start()
        assert all(held(residency, wanted) for wanted in islice(requests(0, disk), 500))
    rows = residency.inventory()
    for budget in (residency.device_budget, residency.host_budget):
        assert budget.used == sum(row.nbytes for row in rows if row.where == budget.memory)
        assert memories is None or memories.most[budget.memory] <= budget.limit


@pytest.mark.parametrize("spare_bytes", [0, 600, 5000])
def test_a_thousand_swaps_under_a_budget_leave_the_base_as_it_was_and_memory_flat(spare_bytes):
    memories, draw, base = TwoMemories(), random.Random(3), SmallBase("base")
    four = [SmallAdapter(f"style {number}", base) for number in range(4)]
    limit = (
        layout(base.sizes(torch.float32)).footprint.device + 4 * layout(four[0].sizes(torch.float32)).footprint.device
    )
    residency = Residency(CPU, device_bytes=limit + spare_bytes, host_bytes=2 * limit, blocks=memories)
    used = []
    with residency.hold(base) as (kept,):
        before = {name: weight.clone() for name, weight in kept.weights.weights.items()}
    for _ in range(1000):
        wanted = draw.sample(four, draw.randint(1, 4))
        with residency.hold(base, *wanted) as (kept, *adapters):
            with adapters_on(kept.weights, [(adapter, draw.uniform(-2, 2)) for adapter in adapters]):
                pristine_bytes = kept.weights.pristine.held_bytes
                assert memories.live["device"] + pristine_bytes == residency.device_budget.used <= limit + spare_bytes
            assert all(torch.equal(weight, before[name]) for name, weight in kept.weights.weights.items())
        used.append((residency.device_budget.used, residency.host_budget.used, memories.live["host"]))
    assert set(used[500:]) <= set(used[:500])
