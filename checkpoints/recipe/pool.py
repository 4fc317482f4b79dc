"""Where does a training batch come from? Compositions kept as latents, so that drawing and encoding is paid once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from checkpoints.recipe import sources
from checkpoints.recipe.captions import Sampler
from checkpoints.recipe.vae import encode

CHUNK = 50


class Pool:
    """A ring of encoded examples: new ones are added while there is room, then take the place of the oldest.

    With `lines_of` it also keeps the lines of each picture, which a ControlNet is shown: uint8 [n, 128, 128], 0 or 1.
    """

    def __init__(
        self, folder: Path, vae: AutoencoderKL, tokenizer: CLIPTokenizer, *, room: int,
        lines_of: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:  # fmt: skip
        self.pixels = sources.load(folder)[1]
        self.vae, self.tokenizer, self.lines_of = vae, tokenizer, lines_of
        self.lines = torch.zeros(room if lines_of else 0, sources.SIDE, sources.SIDE, dtype=torch.uint8)
        side = sources.SIDE // 8
        self.latents = torch.zeros(room, 4, side, side)
        self.tokens = torch.zeros(room, tokenizer.model_max_length, dtype=torch.long)
        self.added = 0

    def __len__(self) -> int:
        return min(self.added, len(self.latents))

    @torch.no_grad()
    def grow(self, sampler: Sampler, count: int) -> None:
        """Draw, encode and tokenise `count` new examples."""
        for start in range(0, count, CHUNK):
            examples = [sampler.next() for _ in range(min(CHUNK, count - start))]
            pictures = np.stack([sampler.draw(example, self.pixels) for example in examples])
            places = (torch.arange(len(examples)) + self.added) % len(self.latents)
            self.latents[places] = encode(self.vae, pictures).cpu()
            self.tokens[places] = tokenise(self.tokenizer, [example.caption for example in examples])
            if self.lines_of:
                self.lines[places] = torch.from_numpy(np.stack([self.lines_of(each) for each in pictures])).byte()
            self.added += len(examples)

    def pick(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Pick `count` random examples: their latents [n, 4, 16, 16] and tokens [n, 77]."""
        latents, ids, _ = self.pick_with_lines(count, generator)
        return latents, ids

    def pick_with_lines(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Pick `count` random examples: their latents, tokens and, where the pool keeps them, lines."""
        chosen = torch.randint(len(self), (count,), generator=generator)
        return self.latents[chosen], self.tokens[chosen], self.lines[chosen] if self.lines_of else self.lines


def tokenise(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Tokenise as the pipeline will: always padded to the full length, since attention sees the padding too."""
    return tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
