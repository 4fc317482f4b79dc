"""What a form of OpenAI's clients says: nested values behind brackets, or a refusal that names the field."""

import pytest
from django.utils.datastructures import MultiValueDict

from generation.dialects.openai.edits import EditSerializer
from generation.dialects.openai.forms import said_in
from wire.errors import ApiError


def said(**parts):
    """Return what a form with these parts says to an edit's fields."""
    return said_in(MultiValueDict(parts), EditSerializer().fields)


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        ({"refiner[start]": ["0.8"]}, {"refiner": {"start": 0.8}}),
        ({"loras[][id]": ["7", "b"]}, {"loras": [{"id": "7"}, {"id": "b"}]}),
        (
            {"loras[][id]": ["a", "b"], "loras[][weight]": ["0.5", "-1"]},
            {"loras": [{"id": "a", "weight": 0.5}, {"id": "b", "weight": -1}]},
        ),
        (
            {"loras[1][id]": ["b"], "loras[0][id]": ["a"], "loras[0][weight]": ["2"]},
            {"loras": [{"id": "a", "weight": 2}, {"id": "b"}]},
        ),
        ({"loras": ['[{"id": "a"}]']}, {"loras": [{"id": "a"}]}),
        ({"image[]": ["img_1"]}, {"image": ["img_1"]}),
        ({"prompt": ["7"], "n": ["7"], "stream": ["true"]}, {"prompt": "7", "n": 7, "stream": True}),
    ],
)
def test_brackets_are_what_json_nests(parts, value):
    assert said(**parts) == value


def test_json_stays_as_it_is():
    assert said_in({"n": "7"}, EditSerializer().fields) == {"n": "7"}


@pytest.mark.parametrize(
    "parts",
    [
        {"loras[][id]": ["a", "b"], "loras[][weight]": ["1"]},
        {"loras[][id]": ["a"], "loras[0][weight]": ["1"]},
        {"loras[first][id]": ["a"]},
        {"loras[0][id][x]": ["a"]},
        {"loras[0]": ["a"], "loras[0][id]": ["a"]},
        {"loras": ["[]"], "loras[][id]": ["a"]},
    ],
)
def test_what_cannot_be_told_apart_is_refused_by_name(parts):
    with pytest.raises(ApiError) as error:
        said(**parts)
    assert error.value.param == "loras"
