"""A trace becomes a schedule for this machine: the order and the mix stay, the load is what was asked for."""

import pytest

from bench.schedule import most_popular, read_trace, scaled, spec_of
from generation.engine.spec import LoraUse

TRACE = """arrival_seconds,tenant,kind,images,steps,prompt_length,checkpoint,loras
100,T1,txt2img,2,30,3,M1,
110,T2,img2img,1,50,0,M0,L2:0.8;L1:-1.0
140,T1,txt2img,4,10,1050,M0,
150,T3,txt2img,1,30,5,M2,
"""
LORAS = {name: LoraUse(name=name, path=f"{name}.safetensors", sha256=name, weight=1.0) for name in ("L1", "L2")}


@pytest.fixture
def rows(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text(TRACE)
    return read_trace(path, 3)


def specs_of(rows, max_steps=40):
    shelf = {"M0": "copies/M0", "M1": "copies/M1"}
    return [spec_of(row, 7, checkpoints=shelf, loras=LORAS, side=64, max_steps=max_steps) for row in rows]


def test_the_first_requests_are_read_in_their_order(rows):
    assert [row.tenant for row in rows] == ["T1", "T2", "T1"]
    assert [(row.images, row.steps, row.checkpoint) for row in rows] == [(2, 30, "M1"), (1, 50, "M0"), (4, 10, "M0")]
    assert rows[1].loras == (("L2", 0.8), ("L1", -1.0))


def test_the_most_popular_checkpoint_comes_first(rows):
    assert most_popular(rows) == ["M0", "M1"]


def test_a_spec_asks_for_what_the_row_tells(rows):
    spec = specs_of(rows)[1]
    assert (spec.checkpoint, spec.n, spec.steps, spec.width, spec.prompt) == ("copies/M0", 1, 40, 64, "")
    assert [(lora.sha256, lora.weight) for lora in spec.loras] == [("L2", 0.8), ("L1", -1.0)]


def test_a_prompt_has_as_many_words_as_the_row_tells(rows):
    assert [len(spec.prompt.split()) for spec in specs_of(rows)] == [3, 0, 1050]


def test_the_arrivals_are_stretched_to_the_load_and_keep_their_proportions(rows):
    requests = scaled(rows, specs_of(rows, max_steps=30), work_per_second=13)
    assert [request.work for request in requests] == [60, 30, 40]
    assert [request.arrival for request in requests] == pytest.approx([0, 2.5, 10])
