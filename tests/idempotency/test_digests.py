"""What a request says decides whether it is the same: not its spelling, and every letter of its sense."""

import io
import json
import tracemalloc

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import QueryDict
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from idempotency.digests import digest_of
from wire.strict_json import StrictJSONParser

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


class Said:
    """A request whose body has been parsed."""

    def __init__(self, data, path="/here?"):
        self._request, self.data = RequestFactory().post(path), data


def canonical(value):
    """Return what the standard library writes for the value."""
    return json.dumps(value, sort_keys=True)


@given(VALUES, VALUES)
def test_two_bodies_are_the_same_if_and_only_if_their_json_is(one, other):
    assert (digest_of(Said(one)) == digest_of(Said(other))) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab"], ["a", "b"]),
        ({"a": "b"}, ["a", "b"]),
        ([["a"], "b"], ["a", ["b"]]),
        ([1, True], [True, 1]),
        ([1], ["1"]),
        ([None], []),
        ([12, 3], [1, 23]),
    ],
)
def test_values_do_not_run_into_one_another(one, other):
    assert digest_of(Said(one)) != digest_of(Said(other))


@pytest.mark.parametrize("path", ["/there", "/here?dry_run=true"])
def test_the_address_counts(path):
    assert digest_of(Said({})) != digest_of(Said({}, path))


def posted(content, name="kite.png", **texts):
    """Return a form with a file and texts as a view gets it."""
    form = {"image": SimpleUploadedFile(name, content), **texts}
    return Request(RequestFactory().post("/here", form), parsers=[MultiPartParser()])


def test_a_form_is_its_texts_and_the_content_of_its_files():
    same = digest_of(posted(b"kite", prompt="a"))
    assert digest_of(posted(b"kite", "other.png", prompt="a")) == same
    assert same not in [digest_of(posted(b"kit", prompt="a")), digest_of(posted(b"kite", prompt="b"))]


def test_a_file_is_still_there_to_be_read():
    form = posted(b"kite" * 1_000_000)
    digest_of(form)
    assert form.data["image"].read(8) == b"kitekite"


def test_a_value_said_twice_is_not_said_once():
    assert digest_of(Said(QueryDict("a=1&a=2"))) != digest_of(Said(QueryDict("a=2")))


def test_a_large_body_is_not_copied():
    body = json.dumps({"prompt": "a", "init_image": "data:image/png;base64," + "A" * (64 << 20)}).encode()
    said = Said(StrictJSONParser().parse(io.BytesIO(body)))
    tracemalloc.start()
    digest_of(said)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20
