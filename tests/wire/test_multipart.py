"""A form of several parts says what JSON says: its texts become what their fields take, its files stay files."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.datastructures import MultiValueDict
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from generation.models import GenerationJob
from wire.errors import ApiError
from wire.fields import StrictInteger, StrictNumber, StrictText
from wire.multipart import said_by

ROUTE = "/api/v1/generations"
FIELDS = {
    "prompt": StrictText(),
    "steps": StrictInteger(),
    "weight": StrictNumber(),
    "loras": serializers.ListSerializer(child=serializers.Serializer()),
    "pictures": serializers.ListField(),
}


def said(**parts):
    """Return what these parts say; a list says the same name several times."""
    return said_by(
        MultiValueDict({name: each if isinstance(each, list) else [each] for name, each in parts.items()}), FIELDS
    )


def refusal(**parts):
    with pytest.raises(ApiError) as raised:
        said(**parts)
    return raised.value.code, raised.value.param


def part(name="kite.png"):
    return SimpleUploadedFile(name, b"kite")


def test_a_text_field_takes_its_text_as_it_is():
    assert said(prompt="5") == {"prompt": "5"}


def test_other_fields_take_json():
    assert said(steps="20", weight="0.5", loras='[{"name": "kites"}]') == {
        "steps": 20, "weight": 0.5, "loras": [{"name": "kites"}],
    }  # fmt: skip


def test_what_is_no_json_is_left_for_the_field_to_refuse():
    assert said(steps="twenty") == {"steps": "twenty"}


def test_a_file_stays_a_file():
    kite = part()
    assert said(pictures=kite) == {"pictures": [kite]}
    assert said(prompt=kite) == {"prompt": kite}


def test_a_list_takes_several_parts_and_nothing_else_does():
    one, two = part(), part()
    assert said(pictures=[one, two]) == {"pictures": [one, two]}
    assert said(pictures="upl_1") == said(pictures='["upl_1"]') == {"pictures": ["upl_1"]}
    assert refusal(prompt=["a", "b"]) == ("duplicate_parameter", "prompt")


def test_a_file_goes_into_the_object_that_its_path_names():
    kite = part()
    form = MultiValueDict({"loras": ['[{"name": "a"}, {"name": "b"}]'], "loras[1].image": [kite]})
    assert said_by(form, FIELDS)["loras"] == [{"name": "a"}, {"name": "b", "image": kite}]


@pytest.mark.parametrize(
    "path", ["loras[1].image", "loras[x].image", "loras.image", "prompt[0].image", "nets[0].image"]
)
def test_a_path_to_nowhere_stays_an_unknown_name(path):
    form = MultiValueDict({"loras": ['[{"name": "a"}]'], "prompt": ["x"], path: [part()]})
    assert path in said_by(form, FIELDS)


def test_a_place_is_not_filled_twice():
    form = MultiValueDict({"loras": ['[{"image": "img_1"}]'], "loras[0].image": [part()]})
    with pytest.raises(ApiError) as refused:
        said_by(form, FIELDS)
    assert (refused.value.code, refused.value.param) == ("duplicate_parameter", "loras[0].image")


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ({"prompt": "a\0b"}, "invalid_characters", "prompt"),
        ({"prompt": "a\ufffdb"}, "invalid_encoding", "prompt"),
        ({"loras": '[{"name": "\\ud800"}]'}, "invalid_characters", "loras"),
        ({"loras": "[" * 40 + "]" * 40}, "json_too_deep", "loras"),
        ({"loras": '[{"a": 1, "a": 2}]'}, "duplicate_parameter", "a"),
        ({"weight": "NaN"}, "invalid_number", "weight"),
    ],
)
def test_what_json_may_not_say_a_part_may_not_say(parts, code, param):
    assert refusal(**parts) == (code, param)


@given(st.dictionaries(st.sampled_from([*FIELDS, "other"]) | st.text(max_size=20), st.text(max_size=60), max_size=4))
def test_whatever_the_parts_they_say_something_or_are_refused_in_words(parts):
    try:
        outcome = said_by(MultiValueDict({name: [text] for name, text in parts.items()}), FIELDS)
    except ApiError as refused:
        outcome = refused.message
    assert set(outcome) <= set(parts) if isinstance(outcome, dict) else outcome.endswith(".")


FORM = {"prompt": "a red kite", "steps": "2", "guidance_scale": "1.5", "size": "64x64", "n": "2", "seed": "null"}


@pytest.mark.parametrize("door", ["key", "session"])
def test_a_generation_is_asked_for_by_a_form_as_by_json(alice, door):
    client = alice.api if door == "key" else alice.browser
    spec = Client.post(client, ROUTE, FORM).json()["spec"]
    assert (spec["prompt"], spec["steps"], spec["guidance_scale"], spec["width"], spec["n"]) == (
        "a red kite", 2, 1.5, 64, 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "code", "param"),
    [
        ({"kite": part()}, "unknown_parameter", "kite"),
        ({"prompt": part()}, "invalid_type", "prompt"),
        ({"steps": part()}, "invalid_type", "steps"),
        ({"steps": "many"}, "invalid_type", "steps"),
        ({"steps": "101"}, "integer_above_max_value", "steps"),
        ({"loras": '{"name": "kites"}'}, "invalid_type", "loras"),
        ({"loras[0].image": part()}, "unknown_parameter", "loras[0].image"),
        ({"prompt": ["a", "b"]}, "duplicate_parameter", "prompt"),
    ],
)
def test_a_bad_part_is_refused_by_name(alice, parts, code, param):
    answer = Client.post(alice.api, ROUTE, FORM | parts)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize("client", ["api", "browser"])
@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("multipart/form-data", b"--x\r\n", 400),
        ("multipart/form-data; boundary=x", b"nonsense", 400),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--\r\n", 415),
        ("application/x-www-form-urlencoded", b"prompt=x", 415),
    ],
)
def test_a_broken_form_is_refused_in_json(alice, client, media_type, body, status):
    answer = getattr(alice, client).generic("POST", ROUTE, body, content_type=media_type)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].endswith(".")


def test_a_form_of_a_thousand_parts_is_refused(alice):
    answer = Client.post(alice.api, ROUTE, FORM | {f"part{number}": "x" for number in range(1001)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_multipart")


def test_a_text_of_megabytes_is_refused(alice):
    answer = Client.post(alice.api, ROUTE, FORM | {"prompt": "x" * (3 << 20)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")
