"""A file from a stranger is refused quickly and in words, whatever is in it."""

import io
import json
import pickle
import resource
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import deserialize

from loras.weights.errors import LoraUnusable
from loras.weights.header import HEADER_BYTES, MAX_TENSORS, read_header
from loras.weights.lora_file import read_lora_file
from tests.weights.broken_files import file_of, pair, tensor


def refusal(file):
    with pytest.raises(LoraUnusable) as refused:
        read_lora_file(file)
    assert str(refused.value).endswith(".")
    return refused.value.code


def with_length(length):
    return io.BytesIO(length.to_bytes(8, "little") + b"{" + b" " * 1000)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02.")
    return file


def test_a_good_file_is_read():
    header = read_header(file_of({**pair(), "__metadata__": {"format": "pt"}}))
    assert [entry.shape for entry in header.tensors.values()] == [(4, 8), (8, 4)]
    assert header.metadata == {"format": "pt"}


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_is_named_as_what_it_is(protocol):
    assert refusal(io.BytesIO(pickle.dumps(list(range(100)), protocol))) == "unsupported_model_format"


def test_a_zip_is_named_as_what_it_is():
    assert refusal(zipped()) == "unsupported_model_format"


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 100_000_001, HEADER_BYTES + 1, 1010, 0, 1])
def test_a_header_length_that_cannot_be(length):
    assert refusal(with_length(length)) == "invalid_safetensors"


@pytest.mark.parametrize("length", range(9))
def test_a_file_with_hardly_a_byte(length):
    assert refusal(io.BytesIO(b"\x02\0\0\0\0\0\0\0"[:length])) in ("invalid_safetensors", "not_a_lora")


def test_a_header_of_spaces_beyond_the_limit():
    assert refusal(file_of(b"{}" + b" " * HEADER_BYTES)) == "invalid_safetensors"


BROKEN = {
    "one byte short": file_of(pair(), bytes(127)),
    "one byte long": file_of(pair(), bytes(129)),
    "overlap": file_of({"a": tensor(0, 4, [2]), "b": tensor(2, 6, [2])}),
    "gap": file_of({"a": tensor(0, 4, [2]), "b": tensor(6, 10, [2])}),
    "backwards": file_of({"a": tensor(4, 0, [2])}, bytes(4)),
    "size": file_of({"a": tensor(0, 4, [3])}),
    "overflow": file_of({"a": tensor(0, 4, [2**32, 2**31, 2])}),
    "huge side": file_of({"a": tensor(0, 0, [0, 10**400])}),
    "many sides": file_of({"a": tensor(0, 2, [1] * 9)}),
    "negative": file_of({"a": tensor(0, 4, [-1, -2])}),
    "true": file_of({"a": tensor(0, 2, [True])}),
    "fraction": file_of({"a": tensor(0, 4, [2.0])}, bytes(4)),
    "no number": file_of(b'{"a":{"dtype":"F16","shape":[NaN],"data_offsets":[0,0]}}'),
    "many digits": file_of(b'{"a":{"dtype":"F16","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,0]}}'),
    "unknown dtype": file_of({"a": tensor(0, 4, [2], "F17")}),
    "dtype no text": file_of({"a": {**tensor(0, 4, [2]), "dtype": ["F16"]}}),
    "more said": file_of({"a": {**tensor(0, 4, [2]), "more": 1}}),
    "less said": file_of(b'{"a":{"dtype":"F16","shape":[0]}}'),
    "no object": file_of(b"{}[]"),
    "no map": file_of(b'{"a":[]}'),
    "same name twice": file_of(b'{"a":%b,"a":%b}' % ((json.dumps(tensor(0, 0, [0])).encode(),) * 2)),
    "same field twice": file_of(b'{"a":{"dtype":"F16","dtype":"F16","shape":[0],"data_offsets":[0,0]}}'),
    "no JSON": file_of(b"{" + b"\0" * 50),
    "no UTF-8": file_of(b'{"\xff":1}'),
    "half a character": file_of(b'{"\\ud800":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}'),
    "half a character in metadata": file_of(b'{"__metadata__":{"a":"\\ud800"}}'),
    "metadata of numbers": file_of(b'{"__metadata__":{"a":1}}'),
    "metadata a list": file_of(b'{"__metadata__":["a"]}'),
    "deep": file_of(b'{"a":' + b"[" * 100_000),
    "deeper": file_of(b'{"a":' + b"[" * 1_000_000),
    "many small texts": file_of(b'{"a":[' + b'"ab",' * 1_500_000 + b"1]}"),
    "many numbers": file_of(b'{"a":[' + b"1000," * 1_500_000 + b"1]}"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file(what):
    assert refusal(BROKEN[what]) == "invalid_safetensors"


def test_more_tensors_than_any_lora_has():
    assert refusal(file_of({str(number): tensor(0, 0, [0]) for number in range(MAX_TENSORS + 1)})) == "too_many_tensors"


def test_a_million_tensors_take_neither_time_nor_memory(tmp_path):
    """Measured in a process of its own: seconds of processor time, and the growth of its peak in bytes."""
    each = ",".join(f'"{number}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for number in range(1_000_000))
    file = tmp_path / "million.safetensors"
    file.write_bytes((len(each) + 2).to_bytes(8, "little") + b"{" + each.encode() + b"}")
    run = subprocess.run([sys.executable, __file__, file], capture_output=True, text=True, check=True)
    code, seconds, grown = json.loads(run.stdout)
    assert code == "too_many_tensors"
    assert seconds < 1
    assert grown < 32 * 1024 * 1024


def measure(path):
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with Path(path).open("rb") as file:
        try:
            read_lora_file(file)
        except LoraUnusable as error:
            code = error.code
    seconds = time.process_time() - start
    print(json.dumps([code, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["F16", "F32", "BF16"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
)
NAMES = st.sampled_from([*pair(), "__metadata__", "a.alpha", "text_encoder.x.lora_A.weight"]) | st.text()
FIELDS = st.fixed_dictionaries({"dtype": JSON, "shape": JSON, "data_offsets": JSON})
NEARLY = st.builds(tensor, st.integers(0, 9), st.integers(0, 9), st.lists(st.integers(-1, 9)), st.sampled_from(["F16"]))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_words(content):
    refusal(io.BytesIO(content))


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, FIELDS | NEARLY | JSON, max_size=4), st.binary(max_size=40))
def test_any_header_is_read_or_refused_in_words(header, data):
    raw = json.dumps(header).encode()
    with suppress(LoraUnusable):
        read_lora_file(io.BytesIO(len(raw).to_bytes(8, "little") + raw + data))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_any_byte_of_a_good_file_may_change(position, byte):
    content = bytearray(file_of(pair()).read())
    content[position % len(content)] = byte
    with suppress(LoraUnusable):
        read_lora_file(io.BytesIO(content))
        deserialize(bytes(content))  # what is read here, safetensors itself reads too


if __name__ == "__main__":
    measure(sys.argv[1])
