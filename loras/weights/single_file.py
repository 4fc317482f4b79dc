"""Reads SDXL from a single .safetensors file in Stability's layout, with the configuration such files leave out."""

from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, DiffusionPipeline
from safetensors import safe_open
from transformers import CLIPTokenizer

from loras.weights.errors import CheckpointUnusable
from loras.weights.sources import TEXT_ENCODER_2, UNET_INPUT, refuse_other_files

# SDXL base 1.0's published configuration: with it nothing is asked of the hub.
SDXL_CONFIG = Path(__file__).parent / "sdxl_config"


def pipeline_from_single_file(path: Path, dtype: torch.dtype) -> DiffusionPipeline:
    """Read a full SDXL checkpoint. Raises CheckpointUnusable when the file is something else, a LoRA for instance."""
    refuse_other_files(path)
    with safe_open(path, framework="pt") as file:
        if missing := {UNET_INPUT, TEXT_ENCODER_2} - set(file.keys()):
            raise CheckpointUnusable(f"{path.name} is not a full SDXL base checkpoint: it lacks {min(missing)}.")
    tokenizers = {"tokenizer": clip_tokenizer("<|endoftext|>"), "tokenizer_2": clip_tokenizer("!")}
    return assemble(path, SDXL_CONFIG, dtype, tokenizers)


def assemble(path: Path, config: Path, dtype: torch.dtype, tokenizers: dict[str, CLIPTokenizer]) -> DiffusionPipeline:
    """Join a file's weights and a folder's configuration; tokenizers not given are read from the folder."""
    vae = AutoencoderKL.from_single_file(
        path, config=str(config), subfolder="vae", dtype=torch.float32, local_files_only=True
    )
    return diffusers.StableDiffusionXLPipeline.from_single_file(
        path, config=str(config), dtype=dtype, local_files_only=True, add_watermarker=False, vae=vae, **tokenizers
    )


def clip_tokenizer(pad_token: str) -> CLIPTokenizer:
    """Build CLIP's tokenizer from its merges; SDXL's two differ only in what they pad with."""
    pairs = (SDXL_CONFIG / "clip_merges.txt").read_text(encoding="utf-8").splitlines()
    merges = [tuple(pair.split(" ")) for pair in pairs]
    letters = byte_letters()
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges)]
    vocab = {word: number for number, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad_token, model_max_length=77)


def byte_letters() -> list[str]:
    """List the letter that stands for each byte, printable bytes first, as byte-level BPE vocabularies number them."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(others)]
