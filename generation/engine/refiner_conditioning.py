"""What is SDXL's refiner told? What the second encoder reads alone, the size, and how beautiful it shall be."""

import torch

from generation.engine.chunks import chunks, framed
from generation.engine.conditioning import Conditioning, encode
from generation.engine.spec import Spec
from loras.weights.refiner import Refiner
from loras.weights.sdxl import Sdxl

AESTHETIC, UNAESTHETIC = 6.0, 2.5  # diffusers' scores for the prompt and the negative one


@torch.inference_mode()
def condition_refiner(sdxl: Sdxl, refiner: Refiner, spec: Spec) -> tuple[Conditioning, Conditioning | None]:
    """Return the positive and, where guidance asks for one, the negative conditioning; both have the same length."""
    guided = spec.guidance_scale > 1
    texts = [spec.prompt, spec.negative_prompt] if guided else [spec.prompt]
    tokenizer, encoder = refiner.tokenizer_2 or sdxl.tokenizer_2, refiner.text_encoder_2 or sdxl.text_encoder_2
    tokenized = [chunks(tokenizer, text) for text in texts]
    longest = max(map(len, tokenized))
    embedded = [encode(encoder, framed(tokenizer, pieces, longest)) for pieces in tokenized]
    positive = Conditioning(*embedded[0], ids(sdxl, spec, AESTHETIC))
    if not guided:
        return positive, None
    context, pooled = embedded[1]
    if spec.negative_prompt == "" and refiner.zeros_for_empty_prompt:
        context, pooled = torch.zeros_like(context), torch.zeros_like(pooled)
    return positive, Conditioning(context, pooled, ids(sdxl, spec, UNAESTHETIC))


def ids(sdxl: Sdxl, spec: Spec, score: float) -> torch.Tensor:
    """Say that the picture was never scaled nor cropped, and its score."""
    return torch.tensor([[spec.height, spec.width, 0, 0, score]], dtype=sdxl.dtype, device=sdxl.device)
