"""Turns a prompt into what the UNet is conditioned on: token embeddings, a pooled embedding and the picture's size."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from generation.engine.chunks import Token, chunks, framed
from generation.engine.spec import Spec
from loras.weights.sdxl import Sdxl

MAX_RESTORING = 10.0


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

    CLIP reads 77 tokens, so a longer text is read in chunks, laid one after the other; a shorter one is padded with
    empty chunks. The pooled embedding is the first chunk's, and no weight changes it (all as AUTOMATIC1111).
    """
    tokenized = [[chunks(tokenizer, text) for tokenizer in (sdxl.tokenizer, sdxl.tokenizer_2)] for text in texts]
    longest = max(len(per_encoder) for per_text in tokenized for per_encoder in per_text)
    for first, second in tokenized:
        hidden, _ = encode(sdxl.text_encoder, framed(sdxl.tokenizer, first, longest))
        hidden_2, pooled = encode(sdxl.text_encoder_2, framed(sdxl.tokenizer_2, second, longest))
        yield torch.cat([hidden, hidden_2], dim=-1), pooled


def encode(encoder: PreTrainedModel, rows: list[list[Token]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last but one layer's weighted states of all chunks in a row [1, tokens, width], and the first chunk's
    pooled."""
    ids = torch.tensor([[token.id for token in row] for row in rows])
    weights = torch.tensor([[token.weight for token in row] for row in rows])
    output = encoder(ids.to(encoder.device), output_hidden_states=True)
    return weighted(output.hidden_states[-2], weights).flatten(0, 1)[None], output[0][:1]


def weighted(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Multiply each token's state by its weight, and each chunk so that its mean is what it was (as AUTOMATIC1111).

    A mean that weights turned around or carried off was next to nothing: then nothing is restored, where AUTOMATIC1111
    would turn the chunk around or blow it up.
    """
    if (weights == 1).all():
        return hidden
    before = hidden.float()
    after = before * weights[..., None].to(hidden.device)
    ratio = before.mean((1, 2), keepdim=True) / after.mean((1, 2), keepdim=True)
    is_telling = (ratio > 1 / MAX_RESTORING) & (ratio < MAX_RESTORING)  # a NaN is not
    return (after * torch.where(is_telling, ratio, 1.0)).to(hidden.dtype)


def time_ids(sdxl: Sdxl, spec: Spec) -> torch.Tensor:
    """Say that the picture was never scaled nor cropped: original size, crop corner, target size."""
    size = (spec.height, spec.width)
    return torch.tensor([[*size, 0, 0, *size]], dtype=sdxl.dtype, device=sdxl.device)
