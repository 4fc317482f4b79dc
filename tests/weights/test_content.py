"""Hashes are those other tools know a file by; numbers that are not finite are found wherever they hide."""

import hashlib
import io
import zlib
from contextlib import nullcontext

import pytest
import torch
from safetensors.torch import save

from loras.weights.content import BLOCK_BYTES, hashes_of, refuse_non_finite
from loras.weights.errors import LoraUnusable
from loras.weights.header import read_header

DTYPES = [torch.float16, torch.bfloat16, torch.float32]


def opened(tensors):
    file = io.BytesIO(save(tensors))
    return file, read_header(file)


def as_automatic1111_does(content):
    """Three of its functions, on bytes: model_hash, sha256()[:10] and addnet_hash_safetensors."""
    begin = int.from_bytes(content[:8], "little") + 8
    return (
        hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8],
        hashlib.sha256(content).hexdigest()[:10],
        hashlib.sha256(content[begin:]).hexdigest(),
    )


def test_hashes_are_those_other_tools_show():
    file, header = opened({"a": torch.randn(700_000), "b": torch.randn(3)})
    hashes, content = hashes_of(file, header), file.getvalue()
    assert (hashes.autov1, hashes.autov2, hashes.autov3) == as_automatic1111_does(content)
    assert hashes.sha256 == hashlib.sha256(content).hexdigest()
    assert hashes.crc32 == f"{zlib.crc32(content):08x}"


def test_one_hash_survives_edited_metadata():
    numbers = {"a": torch.ones(3)}
    plain, named = io.BytesIO(save(numbers)), io.BytesIO(save(numbers, {"ss_output_name": "kite"}))
    first, second = (hashes_of(file, read_header(file)) for file in (plain, named))
    assert first.autov3 == second.autov3
    assert first.sha256 != second.sha256


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_finite_number_is_let_through(dtype):
    limits = torch.finfo(dtype)
    numbers = torch.tensor([0.0, -0.0, limits.max, limits.min, limits.tiny, limits.smallest_normal], dtype=dtype)
    refuse_non_finite(*opened({"a": numbers.repeat(BLOCK_BYTES // 8), "b": numbers, "c": numbers[:0]}))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("place", [0, 1, BLOCK_BYTES // 4, -1])
def test_one_number_that_is_not_finite_is_found(dtype, number, place):
    numbers = torch.ones(BLOCK_BYTES // 2 + 5, dtype=dtype)
    numbers[place] = number
    with pytest.raises(LoraUnusable) as refusal:
        refuse_non_finite(*opened({"a": torch.ones(3), "b": numbers, "c": torch.ones(1, dtype=torch.int64)}))
    assert refusal.value.code == "non_finite_weights"


def test_float16_is_told_right_in_its_whole_range():
    for number in torch.arange(2**16, dtype=torch.int32).to(torch.int16).view(torch.float16)[:: 2**6 - 1]:
        with nullcontext() if torch.isfinite(number) else pytest.raises(LoraUnusable):
            refuse_non_finite(*opened({"a": number.reshape(1)}))
