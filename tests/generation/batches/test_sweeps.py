"""Sweep up to three fields: every combination is one generation, alike in all else, the seed too."""

import pytest

from generation.models import Batch, GenerationJob
from tests.generation.batches.conftest import SMALL, SWEEPS


def axis(field, *values):
    return {"field": field, "values": list(values)}


def cells(person, *axes, **spec):
    """Ask for a sweep and return its generations, in the order of the grid."""
    answer = person.api.post(SWEEPS, {"spec": SMALL | spec, "axes": list(axes)})
    assert answer.status_code == 202, answer.content
    return GenerationJob.objects.filter(batch=answer.json()["id"]).order_by("batch_index")


def test_every_combination_is_a_cell_and_the_last_axis_changes_fastest(alice):
    jobs = cells(alice, axis("prompt", "a kite", "a cat"), axis("steps", 1, 2), axis("guidance_scale", 1, 7.5))
    assert [(job.prompt, job.steps, job.guidance_scale) for job in jobs] == [
        ("a kite", 1, 1), ("a kite", 1, 7.5), ("a kite", 2, 1), ("a kite", 2, 7.5),
        ("a cat", 1, 1), ("a cat", 1, 7.5), ("a cat", 2, 1), ("a cat", 2, 7.5),
    ]  # fmt: skip


def test_a_sweep_tells_its_axes_and_where_its_sheet_is(alice):
    axes = [axis("scheduler", "DDIMScheduler", "PNDMScheduler")]
    sweep = alice.api.post(SWEEPS, {"spec": SMALL, "axes": axes}).json()
    assert (sweep["kind"], sweep["axes"], sweep["counts"]["queued"]) == ("sweep", axes, 2)
    assert sweep["urls"]["sheet"].endswith(f"{sweep['id']}/sheet")


@pytest.mark.parametrize("said", [{}, {"seed": None}, {"seed": -1}])
def test_all_cells_share_one_random_seed(alice, said):
    assert len({job.seed for job in cells(alice, axis("steps", 1, 2, 3, 4), **said)}) == 1


def test_the_seed_that_was_asked_for_is_kept(alice):
    assert [job.seed for job in cells(alice, axis("steps", 1, 2), seed=7)] == [7, 7]


def test_seeds_are_swept_when_they_are_an_axis(alice):
    assert [job.seed for job in cells(alice, axis("seed", 4, 2), seed=7)] == [4, 2]


def test_a_loras_weight_is_swept(alice, shelve):
    shelve("kites")
    jobs = cells(alice, axis("loras[0].weight", 0, 0.5, 1), loras=[{"name": "kites"}])
    assert [job.loras.get().weight for job in jobs] == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("spec", "axes", "code", "param"),
    [
        ({}, [axis("steps", 1, 500)], "integer_above_max_value", "axes[0].values[1]"),
        ({}, [axis("steps", 1), axis("scheduler", "DDIMScheduler", "x")], "invalid_value", "axes[1].values[1]"),
        ({}, [axis("checkpoint", "x")], "model_not_found", "axes[0].values[0]"),
        ({"n": 50}, [axis("steps", 1)], "integer_above_max_value", "spec.n"),
        ({"colour": 1}, [axis("steps", 1)], "unknown_parameter", "spec.colour"),
        ({"size": "2048x2048", "n": 10}, [axis("steps", 100)], "job_too_large", "spec"),
        ({}, [axis("width", 64)], "invalid_value", "axes[0].field"),
        ({}, [axis("loras[0].weight", 1)], "invalid_value", "axes[0].field"),
        ({"loras": "x"}, [axis("loras[0].weight", 1)], "invalid_value", "axes[0].field"),
        ({"loras": [{"name": "x"}]}, [axis("loras[0].weight", 9)], "number_out_of_range", "axes[0].values[0]"),
        ({}, [axis("steps")], "empty_list", "axes[0].values"),
        ({}, [axis("steps", 1), axis("steps", 2)], "invalid_value", "axes"),
        ({}, [axis("steps", *range(1, 12)), axis("seed", *range(10))], "too_many_cells", "axes"),
        ({}, [axis("seed", *range(101))], "list_too_long", "axes[0].values"),
        ({}, [], "invalid_value", "axes"),
        ({}, [axis(name, 1) for name in ("seed", "steps", "guidance_scale", "prompt")], "too_many_axes", "axes"),
        ({}, "steps", "invalid_type", "axes"),
        ({}, [{"field": "steps"}], "missing_required_parameter", "axes[0].values"),
    ],
)
def test_what_is_refused_is_named_and_nothing_is_made(alice, spec, axes, code, param):
    answer = alice.api.post(SWEEPS, {"spec": SMALL | spec, "axes": axes})
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)
    assert (Batch.objects.count(), GenerationJob.objects.count()) == (0, 0)


def test_a_hundred_cells_are_a_sweep(alice):
    assert len(cells(alice, axis("seed", *range(10)), axis("steps", *range(1, 11)))) == 100
