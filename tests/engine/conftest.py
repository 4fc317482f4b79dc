"""One tiny checkpoint, one engine and diffusers' own pipeline on it for all engine tests, and ways to ask both."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from torch.utils.hooks import RemovableHandle

from generation.engine.engine import Engine, Options
from generation.engine.generation import Generation
from generation.engine.pace import Pace
from generation.engine.spec import LoraUse, Picture, Spec, StepReport
from generation.engine.weight_set import WeightSet
from loras.weights.sdxl import load_sdxl
from loras.weights.sources import sha256_of
from tests.engine.tiny_sdxl import make_tiny_sdxl
from tests.weights.lora_files import TEXT, UNET, peft_lora, saved

SPEC = {
    "prompt": "a red kite over the sea",
    "negative_prompt": "",
    "width": 64,
    "height": 64,
    "steps": 4,
    "guidance_scale": 5.0,
    "seed": 7,
    "n": 1,
    "scheduler": "EulerDiscreteScheduler",
}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)  # the tiny nets lose more to waiting than they gain from a second core


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_sdxl(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def warm_engine(tiny: Path) -> Engine:
    return Engine(str(tiny), Options(device="cpu", step_seconds=60))  # so that slow machines batch too


@pytest.fixture
def engine(warm_engine: Engine) -> Iterator[Engine]:
    """The engine of all tests; none inherits another's unfinished pictures, nor what it learnt of time and memory."""
    yield warm_engine
    warm_engine.batches.fail_all(RuntimeError("the test is over"))
    warm_engine.batches.pace = Pace(60)


@pytest.fixture(scope="session")
def stock(tiny: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(tiny, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="session")
def ask(tiny: Path) -> Callable[..., Spec]:
    """A spec of the tiny checkpoint like SPEC but for what is said."""
    return lambda **said: Spec(**{"checkpoint": str(tiny), **SPEC, **said})


@pytest.fixture
def draw(engine: Engine) -> Callable[[Spec], list[np.ndarray]]:
    """The engine's pictures as arrays of levels."""
    return lambda spec: [levels(picture.image) for picture in generate(engine, spec)]


@pytest.fixture(scope="session")
def lora(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LoraUse]:
    """Make a LoRA for the tiny checkpoint, or for one of another width; unlike seeds are unlike LoRAs."""
    folder, sdxl = tmp_path_factory.mktemp("loras"), load_sdxl(str(tiny), torch.device("cpu"))

    def make(seed: int, weight: float = 1.0, width: int | None = None) -> LoraUse:
        tensors = peft_lora(sdxl, UNET, TEXT, seed=seed)
        if width:
            tensors = {name: half[..., :width] for name, half in tensors.items()}
        file = saved(tensors, folder / f"{seed}-{width}.safetensors")
        return LoraUse(f"lora {seed}", file, sha256_of([file]), weight)

    return make


@pytest.fixture
def unet(engine: Engine, tiny: Path) -> torch.nn.Module:
    """The UNet that draws, to be disturbed by hooks."""
    return engine.weights.switch_to(WeightSet(str(tiny), ())).unet


@pytest.fixture
def vae(engine: Engine, tiny: Path) -> torch.nn.Module:
    """The VAE that decodes, to be disturbed by hooks."""
    return engine.weights.switch_to(WeightSet(str(tiny), ())).vae


@pytest.fixture
def memory_for(unet: torch.nn.Module) -> Callable[..., RemovableHandle]:
    """Let the UNet run out of memory above a number of rows, of which a guided picture takes two."""

    def shortage(rows: int) -> RemovableHandle:
        def refuse(module: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
            if len(given[0]) > rows:
                raise torch.OutOfMemoryError

        return unet.register_forward_pre_hook(refuse)

    return shortage


class KeptGeneration(Generation):
    """A generation whose members can be looked at after its end."""

    def _let_go(self, finished: Future[None]) -> None:
        self.kept = self.members
        super()._let_go(finished)


def begin(engine: Engine, spec: Spec, due: float = 0.0) -> tuple[KeptGeneration, list[Picture]]:
    """Let a generation wait for its turn, and return it with the list its pictures will come into."""
    pictures: list[Picture] = []
    generation = KeptGeneration(spec, pictures.append, due=due)
    engine.batches.admit(generation)
    return generation, pictures


def generate(engine: Engine, spec: Spec, on_step: Callable[[StepReport], None] = lambda report: None) -> list[Picture]:
    """Draw this alone, in this thread, reporting after every turn."""
    generation, pictures = begin(engine, spec)
    while not engine.batches.is_idle:
        engine.batches.turn()
        on_step(generation.progress)
    generation.finished.result(timeout=0)
    return sorted(pictures, key=lambda picture: picture.index)


def levels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def latents_of(engine: Engine, spec: Spec) -> torch.Tensor:
    """The first picture's latents after its last step, drawn alone."""
    generation, _ = begin(engine, spec)
    while not engine.batches.is_idle:
        engine.batches.turn()
    return generation.kept[0].latents


def stock_output(stock: StableDiffusionXLPipeline, spec: Spec, output_type: str) -> Image.Image | torch.Tensor:
    """What diffusers' pipeline draws for the spec, asked as its documentation says."""
    name, _, is_stochastic = spec.scheduler.partition("-")
    kind = getattr(diffusers, name)
    config = {**stock.scheduler.config, "clip_sample": False, "set_alpha_to_one": False, "skip_prk_steps": True}
    if is_stochastic:
        config["algorithm_type"] = "sde-dpmsolver++"
    if spec.sigmas != "default":
        config[f"use_{spec.sigmas}_sigmas"] = True
    if spec.timestep_spacing != "default":
        config["timestep_spacing"] = spec.timestep_spacing
    pipeline = StableDiffusionXLPipeline(**{**stock.components, "scheduler": kind.from_config(config)})
    pipeline.set_progress_bar_config(disable=True)
    return pipeline(
        prompt=spec.prompt,
        negative_prompt=spec.negative_prompt or None,
        width=spec.width,
        height=spec.height,
        num_inference_steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(spec.seed),
        eta=0.3 if name == "TCDScheduler" else 0.0,  # the class's own, which the pipeline would set to 0
        output_type=output_type,
    ).images[0]
