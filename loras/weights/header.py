"""Reads the header of a safetensors file nobody vouches for: within hard limits, without torch, never unpickling."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

from loras.weights.errors import LoraUnusable

HEADER_BYTES = 8 * 1024 * 1024  # a rank 32 LoRA on every layer of SDXL has half a MiB
MAX_TENSORS = 20_000
MAX_DIMS = 8
MAX_SIDE = 2**40
# Brackets and quotes: each costs up to 100 bytes once parsed. A tensor has 13, the rest is for JSON in the metadata.
MAX_SIGNS = 600_000

BITS = {"BOOL": 8, "U8": 8, "I8": 8, "U16": 16, "I16": 16, "U32": 32, "I32": 32, "U64": 64, "I64": 64}
BITS |= {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8}
BITS |= {"F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F16": 16, "BF16": 16, "F32": 32, "F64": 64, "C64": 64}

FOREIGN = re.compile(rb"PK\x03\x04|\x80[\x02-\x05]|GGUF|\x1f\x8b|7z\xbc\xaf|Rar!|\x89HDF|\x89PNG|\xff\xd8\xff|<")
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one tensor lies in the file, in bytes from its start."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """What a safetensors file says it holds; the metadata is anybody's text."""

    tensors: Mapping[str, TensorEntry]
    metadata: Mapping[str, str]
    data_begin: int


def read_header(file: BinaryIO) -> Header:
    """Read the header and hold it against the file's size. Raises LoraUnusable."""
    file_bytes = file.seek(0, 2)
    raw = raw_header(file, file_bytes)
    content = parse(raw)
    metadata = checked_metadata(content.pop("__metadata__", {}))
    data_begin = 8 + len(raw)
    tensors = {name: entry(name, value, data_begin) for name, value in content.items()}
    refuse_gaps(tensors, data_begin, file_bytes)
    return Header(tensors, metadata, data_begin)


def invalid(why: str) -> LoraUnusable:
    return LoraUnusable("invalid_safetensors", f"The file is not a valid safetensors file: {why}.")


def raw_header(file: BinaryIO, file_bytes: int) -> bytes:
    file.seek(0)
    start = file.read(9)
    header_bytes = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:] != b"{" or header_bytes > file_bytes - 8:
        if FOREIGN.match(start):
            raise LoraUnusable(
                "unsupported_model_format", "Only safetensors files are read, never pickles or archives."
            )
        raise invalid("its header is damaged or longer than the file")
    file.seek(8)
    raw = file.read(min(header_bytes, HEADER_BYTES))
    if raw.count(b'"data_offsets"') > MAX_TENSORS:
        raise too_many_tensors()
    if header_bytes > HEADER_BYTES:
        raise invalid(f"its header has {header_bytes} bytes; at most {HEADER_BYTES} are read")
    if sum(raw.count(sign) for sign in (b"{", b"[", b'"')) > MAX_SIGNS:
        raise invalid("its header holds more than tensors need")
    return raw


def too_many_tensors() -> LoraUnusable:
    return LoraUnusable("too_many_tensors", f"The file holds more than {MAX_TENSORS} tensors; no LoRA needs as many.")


def parse(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw.decode(), object_pairs_hook=unique, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise invalid("its header is not plain JSON") from error
    if not isinstance(content, dict):
        raise invalid("its header is not a JSON object")
    if len(content) > MAX_TENSORS + 1:
        raise too_many_tensors()
    return content


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key stands twice")
    if any(SURROGATE.search(key) for key in content):
        raise ValueError("a key is not text")
    return content


def refuse(literal: str) -> None:
    raise ValueError(f"{literal} is not a whole number")


def checked_metadata(metadata: Any) -> Mapping[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise invalid("its metadata is not a map of texts")
    if any(SURROGATE.search(value) for value in metadata.values()):
        raise invalid("its metadata is not text")
    return metadata


def entry(name: str, value: Any, data_begin: int) -> TensorEntry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise invalid("a tensor needs exactly dtype, shape and data_offsets")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise invalid("a tensor has an unknown dtype")
    if not whole_numbers(shape, MAX_DIMS) or not whole_numbers(offsets, 2) or len(offsets) != 2:
        raise invalid("a tensor's shape or data_offsets are not small lists of whole numbers")
    begin, end = offsets
    if prod(shape) * BITS[dtype] != (end - begin) * 8:
        raise invalid("a tensor's shape and its data disagree in size")
    return TensorEntry(dtype, tuple(shape), data_begin + begin, data_begin + end)


def whole_numbers(values: Any, most: int) -> bool:
    """Say whether it is a list of at most `most` natural numbers; Python would count True and False among them."""
    if not isinstance(values, list) or len(values) > most:
        return False
    return all(type(value) is int and 0 <= value <= MAX_SIDE for value in values)


def refuse_gaps(tensors: Mapping[str, TensorEntry], data_begin: int, file_bytes: int) -> None:
    """Hold that the tensors cover the file's data one after the other, each byte once."""
    position = data_begin
    for begin, end in sorted((tensor.begin, tensor.end) for tensor in tensors.values()):
        if begin != position:
            raise invalid("its tensors overlap or leave a gap")
        position = end
    if position != file_bytes:
        raise invalid("it is cut short" if position > file_bytes else "data follows its last tensor")
