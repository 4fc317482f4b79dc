"""Weights are held on the device as long as somebody uses them; the rest goes when room is needed."""

import pytest
import torch

from loras.weights.errors import WeightsTooLarge
from loras.weights.residency import Residency
from tests.weights.residents import SIZE, SmallBase, places, visit

CPU = torch.device("cpu")


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
    with residency.hold(five[0]), pytest.raises(WeightsTooLarge, match=r"^d and e and what is in use need"):
        visit(residency, five[3], five[4])
    assert places(residency)["device"] == "ca"


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


def test_budgets_left_out_are_measured():
    residency = Residency(CPU)
    assert residency.device_budget.limit > 2**28
    assert residency.host_budget.limit > 2**28
