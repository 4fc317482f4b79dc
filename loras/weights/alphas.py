"""Finds how strongly a LoRA's layer is meant: by its alpha tensor, by diffusers' metadata, else as its rank."""

import json
import math
import re
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from loras.weights.errors import LoraUnusable
from loras.weights.header import TensorEntry

# struct's letter for each dtype an alpha is found in; bfloat16 is the upper half of a float32.
LETTERS = {"F16": "e", "F32": "f", "F64": "d", "I32": "i", "I64": "q"}
SETTINGS = "lora_adapter_metadata"  # where diffusers keeps PEFT's configuration: {"unet.lora_alpha": 8, ...}


def read_alpha(file: BinaryIO, tensor: TensorEntry) -> float:
    """Read the one number an alpha tensor holds. Raises LoraUnusable."""
    file.seek(tensor.begin)
    raw = file.read(min(tensor.end - tensor.begin, 9))
    dtype, raw = ("F32", b"\0\0" + raw) if tensor.dtype == "BF16" else (tensor.dtype, raw)
    letter = LETTERS.get(dtype)
    if letter is None or len(raw) != struct.calcsize(f"<{letter}"):
        raise LoraUnusable("malformed_lora", "One of the LoRA's alphas is not a single number.")
    return finite(struct.unpack(f"<{letter}", raw)[0])


def finite(alpha: float) -> float:
    if not math.isfinite(alpha):
        raise LoraUnusable("non_finite_weights", f"One of the LoRA's alphas is {alpha}.")
    return float(alpha)


def adapter_settings(metadata: Mapping[str, str]) -> Mapping[str, Any]:
    """Return what diffusers wrote of PEFT's configuration. Raises LoraUnusable, for a DoRA too."""
    try:
        settings = json.loads(metadata.get(SETTINGS, "{}"))
    except (ValueError, RecursionError) as error:
        raise unreadable() from error
    if not isinstance(settings, dict):
        raise unreadable()
    if any(value for name, value in settings.items() if name.endswith("use_dora")):
        raise LoraUnusable("unsupported_lora_kind", "This file is a DoRA; only plain LoRAs are supported.")
    return settings


def unreadable() -> LoraUnusable:
    return LoraUnusable("malformed_lora", f"The LoRA's {SETTINGS} cannot be understood.")


def settled_alpha(settings: Mapping[str, Any], part: str, down: str, rank: int) -> float:
    """Return the alpha the settings give to the layer whose down half has this name; the rank where they give none."""
    alpha = settings.get(f"{part}.lora_alpha")
    exceptions = settings.get(f"{part}.alpha_pattern") or {}
    if not isinstance(exceptions, dict):
        raise unreadable()
    module = re.split(r"[._]lora[._]", down)[0]
    for pattern, value in exceptions.items():
        # PEFT reads a regular expression here; files hold modules' names, and a stranger's expression is not run.
        if f".{module}".endswith(f".{pattern.removeprefix('^')}"):
            alpha = value
            break
    if alpha is None:
        return rank
    if type(alpha) not in (int, float):
        raise unreadable()
    return finite(alpha) * (math.sqrt(rank) if settings.get(f"{part}.use_rslora") else 1)
