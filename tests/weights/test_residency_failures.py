"""Memory that runs out, wherever it does, costs one hold and nothing else."""

import pytest
import torch

from loras.weights.patch import adapters_on
from loras.weights.residency import Residency
from tests.weights import shortage
from tests.weights.residents import SmallAdapter, SmallBase, TwoMemories, Weights

CPU = torch.device("cpu")
BUDGETS = {"device_bytes": 16_000, "host_bytes": 40_000}
BASE = SmallBase("base")
ADAPTERS = SmallAdapter("first", BASE), SmallAdapter("second", BASE)
IDLE = Weights("idle", 4096)
ALLOCATING = ("empty", "clone", "_to_copy", "addmm_", "randn", "full", "zeros")


def out_of_memory_at(point=None):
    return shortage.OutOfMemoryAt(point, ALLOCATING)


class Residence:
    """A Residency with something idle in it, and what its memories really hold."""

    def __init__(self, memories):
        self.memories = memories
        self.residency = Residency(CPU, blocks=memories, **BUDGETS)
        with self.residency.hold(IDLE):
            pass

    def work(self, out_of_memory=None):
        """Hold a base and wear two adapters; return the weights they made."""
        with out_of_memory or out_of_memory_at(), self.residency.hold(BASE, *ADAPTERS) as (base, *adapters):
            self.kept = base
            with adapters_on(base.weights, [(adapter, 1.0) for adapter in adapters]):
                return {name: weight.clone() for name, weight in base.weights.weights.items()}

    def books_are_right(self):
        rows, residency = self.residency.inventory(), self.residency
        told = {where: sum(row.nbytes for row in rows if row.where == where) for where in ("device", "host")}
        assert told == {"device": residency.device_budget.used, "host": residency.host_budget.used}
        assert not any(row.held for row in rows)
        if self.memories:
            pristine = sum(row.nbytes for row in rows if row.kind == "pristine copies")
            assert self.memories.live["device"] == told["device"] - pristine
            assert self.memories.live["host"] <= told["host"]
        return True


def points():
    """How many operations of this work need memory."""
    counting = out_of_memory_at()
    Residence(TwoMemories()).work(counting)
    return counting.passed


@pytest.fixture(scope="module")
def expected():
    return Residence(None).work()


@pytest.fixture(scope="module")
def pristine():
    return BASE.read(torch.float32, None).base.weights


@pytest.mark.parametrize("two_memories", [True, False], ids=["two memories", "one memory"])
@pytest.mark.parametrize("point", range(points()))
def test_running_out_anywhere_fails_that_hold_alone(point, two_memories, expected, pristine):
    residence = Residence(TwoMemories() if two_memories else None)
    out_of_memory = out_of_memory_at(point)
    try:
        residence.work(out_of_memory)
    except torch.OutOfMemoryError:
        assert out_of_memory.passed == point + 1
    else:
        assert out_of_memory.passed <= point  # one memory needs fewer operations than two
    assert residence.books_are_right()
    made = residence.work()
    assert all(torch.equal(weight, expected[name]) for name, weight in made.items())
    assert all(torch.equal(weight, pristine[name]) for name, weight in residence.kept.weights.weights.items())
    assert residence.books_are_right()


def test_running_out_passes_the_points_that_matter():
    """The operations counted above are all there are: read, pinned, moved, copied, patched."""
    seen = out_of_memory_at()
    Residence(TwoMemories()).work(seen)
    assert {"randn", "empty", "clone", "addmm_"} <= seen.names


def test_a_hold_works_after_idle_weights_were_released(expected):
    residence = Residence(TwoMemories())
    with pytest.raises(torch.OutOfMemoryError):
        residence.work(out_of_memory_at(points() - 1))
    assert residence.residency.release_idle() > 0
    assert residence.memories.live["device"] == 0
    assert all(torch.equal(weight, expected[name]) for name, weight in residence.work().items())


def test_a_read_ahead_that_runs_out_is_forgotten():
    residency = Residency(CPU, blocks=TwoMemories(), **BUDGETS)
    with pytest.raises(torch.OutOfMemoryError), out_of_memory_at(0):
        residency.prefetch(IDLE)
    assert (residency.inventory(), residency.host_budget.used) == ([], 0)


def test_work_that_fails_while_holding_lets_go():
    residency = Residency(CPU, **BUDGETS)
    with pytest.raises(ZeroDivisionError), residency.hold(IDLE):
        _ = 1 // 0
    assert [row.held for row in residency.inventory()] == [0]
