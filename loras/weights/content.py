"""Reads a LoRA file through: the hashes it is known by elsewhere, and whether all its numbers are finite."""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO

from loras.weights.errors import LoraUnusable
from loras.weights.header import Header

BLOCK_BYTES = 1 << 20
AUTOV1_BEGIN, AUTOV1_BYTES = 0x100000, 0x10000
# Of each dtype: its bytes, its exponent's bits, the exponent's lowest bit.
FLOATS = {"F16": (2, 0x7C00, 0x0400), "BF16": (2, 0x7F80, 0x0080), "F32": (4, 0x7F800000, 0x00800000)}


@dataclass(frozen=True)
class Hashes:
    """A file's names in the world, in lower-case hex: the whole file's, and AUTOMATIC1111's three of parts of it."""

    sha256: str
    autov1: str  # of 64 KiB in the middle; collides
    autov2: str
    autov3: str  # of all that follows the header, so it survives edited metadata; kohya's sshs_model_hash
    crc32: str


def hashes_of(file: BinaryIO, header: Header) -> Hashes:
    """Hash the file in one pass."""
    whole, data, checksum = hashlib.sha256(), hashlib.sha256(), 0
    for block in blocks(file, 0, header.data_begin):
        whole.update(block)
        checksum = zlib.crc32(block, checksum)
    for block in blocks(file, header.data_begin, file.seek(0, 2)):
        whole.update(block)
        data.update(block)
        checksum = zlib.crc32(block, checksum)
    file.seek(AUTOV1_BEGIN)
    middle = hashlib.sha256(file.read(AUTOV1_BYTES)).hexdigest()
    return Hashes(whole.hexdigest(), middle[:8], whole.hexdigest()[:10], data.hexdigest(), f"{checksum:08x}")


def refuse_non_finite(file: BinaryIO, header: Header) -> None:
    """Raise LoraUnusable when a number is NaN or infinite."""
    tensors = sorted(header.tensors.values(), key=attrgetter("begin", "end"))
    for dtype, neighbours in groupby(tensors, attrgetter("dtype")):
        run = list(neighbours)
        if dtype in FLOATS and not finite(dtype, blocks(file, run[0].begin, run[-1].end)):
            raise LoraUnusable("non_finite_weights", "The LoRA holds NaN or infinite weights.")


def finite(dtype: str, numbers: Iterator[bytes]) -> bool:
    """Say whether no number's exponent is all ones; a block of numbers is looked at as one long whole number.

    Adding one to an exponent overflows into the bit above it (the sign's, masked out before) exactly when it is.
    """
    exponents, ones, above = (repeated(number, dtype) for number in exponent_bits(dtype))
    return not any(((int.from_bytes(block, "little") & exponents) + ones) & above for block in numbers)


def exponent_bits(dtype: str) -> tuple[int, int, int]:
    """Return a number's exponent bits, the lowest of them and the bit above them."""
    _, exponent, lowest = FLOATS[dtype]
    return exponent, lowest, exponent + lowest


@cache
def repeated(number: int, dtype: str) -> int:
    """Repeat a number until it fills a block."""
    size = FLOATS[dtype][0]
    return int.from_bytes(number.to_bytes(size, "little") * (BLOCK_BYTES // size), "little")


def blocks(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    """Yield the file's bytes from begin to end."""
    file.seek(begin)
    while begin < end and (block := file.read(min(BLOCK_BYTES, end - begin))):
        begin += len(block)
        yield block
