"""Ids sort by the time they were made, even when that is the same."""

from wire.ids import LENGTH, is_id, new_id


def test_ids_made_one_after_another_rise():
    made = [new_id("gen") for _ in range(10_000)]
    assert made == sorted(set(made))


def test_an_id_is_of_its_kind():
    made = new_id("gen")
    assert (is_id(made, "gen"), is_id(made, "img"), len(made)) == (True, False, len("gen_") + LENGTH)


def test_neighbours_cannot_be_guessed():
    made = [new_id("gen") for _ in range(1000)]
    beginnings = {id[:-8] for id in made}  # the last 40 bits would be the first to count
    assert len(beginnings) == 1000
