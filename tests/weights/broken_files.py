"""Safetensors files made by hand, so that every byte of them can be wrong."""

import io
import json
from typing import Any, BinaryIO

NAME = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"


def tensor(begin: int, end: int, shape: list[int], dtype: str = "F16") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def pair(rank: int = 4, dtype: str = "F16", size: int = 2, name: str = NAME, width: int = 8) -> dict[str, Any]:
    """The two halves of one layer of `width`."""
    half = rank * width * size
    return {
        f"{name}.lora_down.weight": tensor(0, half, [rank, width], dtype),
        f"{name}.lora_up.weight": tensor(half, 2 * half, [width, rank], dtype),
    }


def file_of(header: dict[str, Any] | bytes, data: bytes | None = None) -> BinaryIO:
    """A file with this header; unless told otherwise with as many zeros behind it as its tensors take."""
    if isinstance(header, dict) and data is None:
        data = bytes(max((each["data_offsets"][1] for each in header.values() if "dtype" in each), default=0))
    raw = json.dumps(header).encode() if isinstance(header, dict) else header
    return io.BytesIO(len(raw).to_bytes(8, "little") + raw + (data or b""))
