"""Turns a prompt into what the UNet is conditioned on: token embeddings, a pooled embedding and the picture's size."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from transformers import CLIPTokenizer, PreTrainedModel

from generation.engine.spec import Spec
from loras.weights.sdxl import Sdxl


@dataclass(frozen=True, eq=False)
class Conditioning:
    """One row of the UNet's conditioning: context [1, tokens, width], pooled [1, width], time_ids [1, 6]."""

    context: torch.Tensor
    pooled: torch.Tensor
    time_ids: torch.Tensor


@torch.inference_mode()
def condition(sdxl: Sdxl, spec: Spec) -> tuple[Conditioning, Conditioning | None]:
    """Return the positive and, where guidance asks for one, the negative conditioning; both have the same length."""
    guided = spec.guidance_scale > 1
    texts = [spec.prompt, spec.negative_prompt] if guided else [spec.prompt]
    positive, *negatives = (Conditioning(*embedded, time_ids(sdxl, spec)) for embedded in embed(sdxl, texts))
    if not guided:
        return positive, None
    if spec.negative_prompt == "" and sdxl.zeros_for_empty_prompt:
        zeros = Conditioning(torch.zeros_like(positive.context), torch.zeros_like(positive.pooled), positive.time_ids)
        return positive, zeros
    return positive, negatives[0]


def embed(sdxl: Sdxl, texts: list[str]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield each text's context and pooled embedding, all as long as the longest.

    CLIP reads 77 tokens, so a longer text is read in chunks of 75 between a start and an end token, laid one after the
    other; a shorter one is padded with empty chunks. The pooled embedding is the first chunk's (both as AUTOMATIC1111).
    """
    tokenized = [[chunks(tokenizer, text) for tokenizer in (sdxl.tokenizer, sdxl.tokenizer_2)] for text in texts]
    longest = max(len(per_encoder) for per_text in tokenized for per_encoder in per_text)
    for first, second in tokenized:
        hidden, _ = encode(sdxl.text_encoder, padded(sdxl.tokenizer, first, longest))
        hidden_2, pooled = encode(sdxl.text_encoder_2, padded(sdxl.tokenizer_2, second, longest))
        yield torch.cat([hidden, hidden_2], dim=-1), pooled


def chunks(tokenizer: CLIPTokenizer, text: str) -> list[list[int]]:
    """Split a text's token ids into chunks that leave room for a start and an end token; an empty text is one chunk."""
    ids = tokenizer(text, add_special_tokens=False, truncation=False).input_ids
    size = tokenizer.model_max_length - 2
    return [ids[start : start + size] for start in range(0, len(ids), size)] or [[]]


def padded(tokenizer: CLIPTokenizer, pieces: list[list[int]], count: int) -> torch.Tensor:
    """Frame each chunk with start, end and padding tokens and add empty chunks: ids [count, window]."""
    rows = []
    for piece in pieces + [[]] * (count - len(pieces)):
        row = [tokenizer.bos_token_id, *piece, tokenizer.eos_token_id]
        rows.append(row + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(row)))
    return torch.tensor(rows)


def encode(encoder: PreTrainedModel, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last but one layer's states of all chunks in a row [1, tokens, width] and the first chunk's pooled."""
    output = encoder(ids.to(encoder.device), output_hidden_states=True)
    return output.hidden_states[-2].flatten(0, 1)[None], output[0][:1]


def time_ids(sdxl: Sdxl, spec: Spec) -> torch.Tensor:
    """Say that the picture was never scaled nor cropped: original size, crop corner, target size."""
    size = (spec.height, spec.width)
    return torch.tensor([[*size, 0, 0, *size]], dtype=sdxl.dtype, device=sdxl.device)
