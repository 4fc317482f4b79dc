"""Every kind of picture is what diffusers' own pipeline for it draws."""

from pathlib import Path

import diffusers
import pytest
import torch
from diffusers import ControlNetModel, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from PIL import Image

from generation.engine.spec import Control, Hires, Refine
from tests.engine.companions import learnt_controlnet, picture, right_half
from tests.engine.conftest import latents_of
from tests.weights.tiny_others import make_tiny_refiner

LATENT_TOLERANCE = 1e-5  # of the largest latent: float32 sums in another memory layout
SCHEDULERS = ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "HeunDiscreteScheduler", "DDIMScheduler")


@pytest.fixture(scope="module")
def start() -> Image.Image:
    return picture(1)


@pytest.fixture(scope="module")
def mask() -> Image.Image:
    return right_half()


@pytest.fixture(scope="module")
def refiner(tiny, tmp_path_factory) -> Path:
    """A refiner whose noise levels are the checkpoint's own, as SDXL's are."""
    folder = make_tiny_refiner(tmp_path_factory.mktemp("refiner") / "refiner", shares=True)
    config = EulerDiscreteScheduler.load_config(tiny, subfolder="scheduler")
    EulerDiscreteScheduler.from_config(config).save_pretrained(folder / "scheduler")
    return folder


@pytest.fixture(scope="module")
def controlnet(tmp_path_factory) -> Path:
    return learnt_controlnet(tmp_path_factory.mktemp("controlnet") / "lines", seed=3)


@pytest.fixture(scope="module")
def another_controlnet(tmp_path_factory) -> Path:
    return learnt_controlnet(tmp_path_factory.mktemp("controlnet") / "depth", seed=4)


class Stock:
    """Diffusers' pipelines on one checkpoint, each with a scheduler of its own."""

    def __init__(self, pipeline: StableDiffusionXLPipeline) -> None:
        self.parts = pipeline.components

    def draws(self, kind: str, spec, *, parts=None, **said) -> torch.Tensor:
        """What the pipeline of this kind ends with for the spec: latents [1, 4, h, w]."""
        config = (parts or self.parts).get("scheduler", self.parts["scheduler"]).config
        scheduler = getattr(diffusers, spec.scheduler).from_config(
            {**config, "clip_sample": False, "set_alpha_to_one": False}
        )
        pipeline = getattr(diffusers, kind)(**{**self.parts, **(parts or {}), "scheduler": scheduler})
        pipeline.set_progress_bar_config(disable=True)
        asked = {
            "prompt": spec.prompt,
            "num_inference_steps": spec.steps,
            "guidance_scale": spec.guidance_scale,
            "generator": torch.Generator("cpu").manual_seed(spec.seed),
            "output_type": "latent",
        }
        return pipeline(**{**asked, **said}).images


@pytest.fixture(scope="module")
def stock_pipelines(stock) -> Stock:
    return Stock(stock)


def assert_same(latents: torch.Tensor, expected: torch.Tensor) -> None:
    assert latents.shape == expected.shape
    assert torch.allclose(latents, expected, rtol=0, atol=LATENT_TOLERANCE * expected.abs().max())


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_image_to_image(engine, stock_pipelines, ask, start, scheduler):
    spec = ask(init_image=start, strength=0.6, steps=5, scheduler=scheduler)
    expected = stock_pipelines.draws("StableDiffusionXLImg2ImgPipeline", spec, image=start, strength=0.6)
    assert_same(latents_of(engine, spec), expected)


@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_inpainting(engine, stock_pipelines, ask, start, mask, strength):
    spec = ask(init_image=start, mask=mask, strength=strength, steps=5)
    expected = stock_pipelines.draws(
        "StableDiffusionXLInpaintPipeline", spec, image=start, mask_image=mask, strength=strength, width=64, height=64
    )
    assert_same(latents_of(engine, spec), expected)


def test_a_controlnet_in_part_of_the_steps(engine, stock_pipelines, ask, controlnet):
    lines = picture(2)
    spec = ask(controls=(Control("lines", str(controlnet), lines, 0.7, 0.2, 0.8),), steps=5)
    expected = stock_pipelines.draws(
        "StableDiffusionXLControlNetPipeline",
        spec,
        parts={"controlnet": ControlNetModel.from_pretrained(controlnet)},
        image=lines,
        controlnet_conditioning_scale=0.7,
        control_guidance_start=0.2,
        control_guidance_end=0.8,
    )
    assert_same(latents_of(engine, spec), expected)
    assert not torch.allclose(expected, latents_of(engine, ask(steps=5)), atol=0.1)


def test_two_controlnets_on_an_image(engine, stock_pipelines, ask, start, controlnet, another_controlnet):
    folders, lines = (controlnet, another_controlnet), (picture(2), picture(3))
    controls = tuple(
        Control(folder.name, str(folder), each, weight)
        for folder, each, weight in zip(folders, lines, (0.7, 1.3), strict=True)
    )
    spec = ask(controls=controls, init_image=start, strength=0.5, steps=6)
    expected = stock_pipelines.draws(
        "StableDiffusionXLControlNetImg2ImgPipeline",
        spec,
        parts={"controlnet": [ControlNetModel.from_pretrained(folder) for folder in folders]},
        image=start,
        control_image=list(lines),
        strength=0.5,
        controlnet_conditioning_scale=[0.7, 1.3],
    )
    assert_same(latents_of(engine, spec), expected)


def test_a_controlnet_whose_picture_the_refiner_finishes(engine, stock_pipelines, ask, controlnet, refiner):
    """The part in which it is followed is of the whole denoising, the refiner's steps included."""
    lines = picture(2)
    spec = ask(
        controls=(Control("lines", str(controlnet), lines, 0.7, 0.3, 0.75),),
        refiner=Refine("refiner", str(refiner), 0.8, 3.0),
        steps=10,
    )
    base = stock_pipelines.draws(
        "StableDiffusionXLControlNetPipeline",
        spec,
        parts={"controlnet": ControlNetModel.from_pretrained(controlnet)},
        image=lines,
        controlnet_conditioning_scale=0.7,
        control_guidance_start=0.3,
        control_guidance_end=0.75,
        denoising_end=0.8,
    )
    assert_same(latents_of(engine, spec), refined(stock_pipelines, refiner, spec, base))


def refined(stock_pipelines, refiner: Path, spec, latents: torch.Tensor) -> torch.Tensor:
    """What diffusers' refiner makes of the base's latents in the last fifth."""
    return refiner_draws(stock_pipelines, refiner, spec, image=latents, denoising_start=0.8)


def refiner_draws(stock_pipelines, refiner: Path, spec, **said) -> torch.Tensor:
    parts = {
        "unet": UNet2DConditionModel.from_pretrained(refiner / "unet"),
        "scheduler": diffusers.EulerDiscreteScheduler.from_pretrained(refiner / "scheduler"),
        "text_encoder": None,
        "tokenizer": None,
        "requires_aesthetics_score": True,
    }
    return stock_pipelines.draws("StableDiffusionXLImg2ImgPipeline", spec, parts=parts, guidance_scale=3.0, **said)


def test_the_refiner_takes_the_latents_over(engine, stock_pipelines, ask, refiner):
    spec = ask(refiner=Refine("refiner", str(refiner), 0.8, 3.0), steps=10)
    base = stock_pipelines.draws("StableDiffusionXLPipeline", spec, width=64, height=64, denoising_end=0.8)
    assert_same(latents_of(engine, spec), refined(stock_pipelines, refiner, spec, base))


def test_the_refiner_alone_where_strength_leaves_nothing_to_the_base(engine, stock_pipelines, ask, start, refiner):
    spec = ask(init_image=start, strength=0.3, refiner=Refine("refiner", str(refiner), 0.5, 3.0), steps=10)
    expected = refiner_draws(stock_pipelines, refiner, spec, image=start, strength=0.3)
    assert_same(latents_of(engine, spec), expected)


def test_a_second_pass(engine, stock_pipelines, ask):
    spec = ask(hires=Hires(2.0, 0.5), steps=6)
    generator = torch.Generator("cpu").manual_seed(spec.seed)
    small = stock_pipelines.draws("StableDiffusionXLPipeline", spec, width=64, height=64, generator=generator)
    large = torch.nn.functional.interpolate(small, scale_factor=2.0, mode="bicubic")
    expected = stock_pipelines.draws(
        "StableDiffusionXLImg2ImgPipeline", spec, image=large, strength=0.5, generator=generator
    )
    assert_same(latents_of(engine, spec), expected)
