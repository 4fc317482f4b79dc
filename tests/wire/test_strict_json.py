"""The parser against anything: it returns an object or refuses in words, and changes nothing that it lets through."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import ApiError
from wire.strict_json import parse

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_a_good_object_comes_through_unchanged(value):
    assert parse(json.dumps(value).encode()) == value


def outcome(body):
    """Return the object, or the refusal's sentence."""
    try:
        return parse(body)
    except ApiError as error:
        return error.message


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused_in_words(body):
    result = outcome(body)
    assert isinstance(result, dict) or result.endswith(".")


@given(st.text('[]{}",:\\u0123456789ae ', max_size=60))
def test_broken_punctuation_never_breaks_the_parser(text):
    result = outcome(text.encode())
    assert isinstance(result, dict) or result.endswith(".")


LARGE = "data:image/png;base64," + "A" * (2 << 20)


def test_files_in_it_do_not_count_and_come_through_unchanged():
    said = {"image": LARGE, "nets": [{"image": LARGE + "B"}, LARGE], "prompt": 'say "data:image/png" 🦊'}
    assert parse(json.dumps(said).encode()) == said
    assert parse(json.dumps(said, ensure_ascii=False, indent=1).encode()) == said


@pytest.mark.parametrize(
    "said",
    [
        {"prompt": "x" * (2 << 20)},
        {"prompt": "say " + LARGE},
        {"prompt": '"' + LARGE},
        {"image": LARGE, "prompt": "x" * (2 << 20)},
        {"image": LARGE, "numbers": [0] * (1 << 19)},
        {"image": LARGE + "\n"},
    ],
)
def test_all_else_counts(said):
    assert "beside the data: URLs" in outcome(json.dumps(said).encode())


@pytest.mark.parametrize("after", [b'"', b'": 1}', b'" "x"}', b'", 5}'])
def test_a_broken_body_is_refused_with_files_too(after):
    assert outcome(b'{"image": "' + LARGE.encode() + after).endswith(".")
