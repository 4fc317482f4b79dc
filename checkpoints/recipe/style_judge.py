"""Which style is a picture drawn in? A small classifier, trained on the icons themselves in a few minutes."""

import argparse
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

from checkpoints.recipe import sources, state
from checkpoints.recipe.compose import random_picture
from checkpoints.recipe.decoder import spoiled
from checkpoints.recipe.sources import STYLES, UNSEEN
from checkpoints.recipe.vae import encode

log = logging.getLogger(__name__)
CLASSES = (*STYLES, UNSEEN)
SEED, BATCH, CHUNK, RATE = 20261130, 64, 50, 3e-3
CHECKED = 800


def build() -> nn.Sequential:
    """Build the classifier: four halvings, then what each filter saw on average and at most."""
    layers: list[nn.Module] = []
    for before, after in ((3, 24), (24, 48), (48, 96), (96, 96)):
        layers += [nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.SiLU()]
    return nn.Sequential(*layers, Both(), nn.Linear(192, len(CLASSES)))


class Both(nn.Module):
    """Average and maximum over the picture."""

    def forward(self, seen: Tensor) -> Tensor:
        return torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)


def known(concept: str) -> bool:
    """Tell whether the judge learns from this concept; it is checked on the other eighth."""
    return zlib.crc32(f"judge {concept}".encode()) % 8 != 0


def pictures_of(folder: Path, *, learned: bool, seed: int) -> Iterator[tuple[np.ndarray, int]]:
    """Compose pictures of all styles in turn, without end, with their class."""
    rng, sets = np.random.default_rng(seed), [sources.load(folder)] * len(STYLES) + [sources.load(folder, UNSEEN)]
    rows = [
        [row for row, icon in enumerate(icons) if icon.style == style and known(icon.concept) == learned]
        for style, (icons, _) in zip(CLASSES, sets, strict=True)
    ]
    while True:
        for number, (_, pixels) in enumerate(sets):
            yield random_picture(pixels, int(rng.choice(rows[number])), rng), number


@torch.no_grad()
def shown(folder: Path, vae: AutoencoderKL, count: int, *, learned: bool, seed: int) -> tuple[np.ndarray, Tensor]:
    """Compose `count` pictures; a quarter come back from the VAE, a little wrong, as those it will judge do."""
    generator, source = torch.Generator().manual_seed(seed), pictures_of(folder, learned=learned, seed=seed)
    kept, labels = [], []
    for start in range(0, count, CHUNK):
        part = [next(source) for _ in range(CHUNK)]
        pictures = np.stack([picture for picture, _ in part])
        if start % (4 * CHUNK) == 0:
            pictures = as_pictures(vae.decode(spoiled(encode(vae, pictures), generator)).sample)
        kept.append(pictures)
        labels.append(torch.tensor([label for _, label in part]))
    return np.concatenate(kept), torch.cat(labels)


def as_pictures(decoded: Tensor) -> np.ndarray:
    """Turn what the VAE decoded into uint8 [n, 128, 128, 3], a quarter of the floats' memory."""
    return ((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def as_input(pictures: np.ndarray) -> Tensor:
    """Turn uint8 [n, 128, 128, 3] into what the judge looks at."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def train(folder: Path, base: Path, *, minutes: float, device: str, pictures: int) -> float:
    """Train the judge, keep it in style-judge.pt, and return its accuracy on concepts it has not seen."""
    torch.manual_seed(SEED)
    vae = AutoencoderKL.from_pretrained(base / "vae").to(device).eval()
    learned, labels = shown(folder, vae, pictures, learned=True, seed=SEED)
    judge, clock, step = build().to(device), state.Clock(minutes), 0
    optimiser = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=0.05)
    while clock.progress < 1:
        chosen = torch.randint(len(learned), (BATCH,))
        loss = F.cross_entropy(judge(mirrored(as_input(learned[chosen.numpy()])).to(device)), labels[chosen].to(device))
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = state.learning_rate(RATE, clock.progress, step, warmup=50, hold=0.2)
        optimiser.step()
        optimiser.zero_grad()
        step += 1
        if step % 100 == 0:
            log.info("step %d  %.0f s  loss %.3f", step, clock.spent, loss.item())
    accuracy = checked(judge.eval().cpu(), *shown(folder, vae, CHECKED, learned=False, seed=SEED + 1))
    state.save(folder / "style-judge.pt", {"weights": judge.state_dict(), "accuracy": accuracy})
    return accuracy


@torch.no_grad()
def checked(judge: nn.Module, unknown: np.ndarray, truth: Tensor) -> float:
    """Measure the judge on pictures of concepts it has not seen."""
    answers = judge(as_input(unknown)).argmax(1)
    kinds = len(CLASSES)
    log.info("asked -> answered:\n%s", torch.bincount(truth * kinds + answers, minlength=kinds**2).view(kinds, kinds))
    return (answers == truth).float().mean().item()


def mirrored(inputs: Tensor) -> Tensor:
    """Mirror a random half."""
    return torch.where(torch.rand(len(inputs), 1, 1, 1) < 0.5, inputs, inputs.flip(3))


class StyleJudge:
    """The trained judge, with its own accuracy."""

    def __init__(self, folder: Path) -> None:
        saved = state.load(folder / "style-judge.pt")
        if saved is None:
            raise SystemExit("the judge is not there yet: python -m checkpoints.recipe.style_judge trains it")
        self.network, self.accuracy = build().eval(), saved["accuracy"]
        self.network.load_state_dict(saved["weights"])

    @torch.no_grad()
    def styles(self, pictures: np.ndarray) -> list[str]:
        """Name the style of each picture uint8 [n, 128, 128, 3]."""
        return [CLASSES[number] for number in self.network(as_input(pictures)).argmax(1).tolist()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("var/mini"))
    parser.add_argument("--base", type=Path, default=Path("checkpoints/mini"))
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--pictures", type=int, default=40000)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    right = train(
        options.state, options.base, minutes=options.minutes, device=options.device, pictures=options.pictures
    )
    print(f"the style judge is right about {right:.3f} of icons it has not seen")
