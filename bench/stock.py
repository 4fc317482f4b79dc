"""Diffusers' own pipelines on one checkpoint, called as its documentation says."""

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import (
    ControlNetModel,
    DiffusionPipeline,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)
from PIL.Image import Image

from generation.engine.schedulers import SDXL_DEFAULTS
from generation.engine.spec import Spec
from loras.weights.sdxl import silence

SHARED = ("vae", "text_encoder_2", "tokenizer_2")  # by the refiner


class Stock:
    """The text-to-image pipeline and, once a spec asks for them, those with a ControlNet and the refiner's."""

    def __init__(self, checkpoint: str, device: torch.device) -> None:
        self.pipeline = loaded(checkpoint, device)
        self._others: dict[str, DiffusionPipeline] = {}

    def draw(self, spec: Spec) -> list[Image]:
        """Call a pipeline once for all pictures of a request; for a refiner, the base's first (ensemble of experts)."""
        said: dict[str, Any] = {"width": spec.width, "height": spec.height, **asked(spec)}
        pipeline: DiffusionPipeline = self.pipeline
        if spec.controls:
            pipeline = self.controlled(spec.controls[0].source)
            said |= {"image": spec.controls[0].image, "controlnet_conditioning_scale": spec.controls[0].weight}
        if spec.refiner is None:
            return list(called(pipeline, spec, **said))
        latents = called(pipeline, spec, **said, denoising_end=spec.refiner.start, output_type="latent")
        return self.refined(spec, image=latents, denoising_start=spec.refiner.start)

    def refined(self, spec: Spec, **said: Any) -> list[Image]:
        """Call the refiner with pictures or latents."""
        assert spec.refiner is not None
        said |= {**asked(spec), "guidance_scale": spec.refiner.guidance_scale}
        return list(called(self.refiner(spec.refiner.source), spec, **said))

    def controlled(self, source: str) -> DiffusionPipeline:
        """Return the pipeline with this one ControlNet."""
        if source not in self._others:
            controlnet = ControlNetModel.from_pretrained(source, dtype=self.pipeline.dtype).to(self.pipeline.device)
            self._others[source] = StableDiffusionXLControlNetPipeline(
                **self.pipeline.components, controlnet=controlnet, add_watermarker=False
            )
        return quiet(self._others[source])

    def refiner(self, source: str) -> DiffusionPipeline:
        """Return the refiner's pipeline, which has from the base what its folder lacks."""
        if source not in self._others:
            shared = {name: self.pipeline.components[name] for name in SHARED if not (Path(source) / name).is_dir()}
            self._others[source] = StableDiffusionXLImg2ImgPipeline.from_pretrained(
                source, **shared, dtype=self.pipeline.dtype, add_watermarker=False
            ).to(self.pipeline.device)
        return quiet(self._others[source])


def loaded(checkpoint: str, device: torch.device) -> StableDiffusionXLPipeline:
    """Load the pipeline: half precision on a GPU."""
    silence()
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    return quiet(StableDiffusionXLPipeline.from_pretrained(checkpoint, dtype=dtype, add_watermarker=False).to(device))


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def called(pipeline: DiffusionPipeline, spec: Spec, **said: Any) -> Any:
    """Call a pipeline with the spec's scheduler; return its pictures or latents."""
    scheduler = getattr(diffusers, spec.scheduler)
    pipeline.scheduler = scheduler.from_config({**SDXL_DEFAULTS, **pipeline.scheduler.config})
    return pipeline(**said).images


def asked(spec: Spec) -> dict[str, Any]:
    """Return what every pipeline is told."""
    seeds = [spec.seed_of(index) for index in range(spec.n)]
    return {
        "prompt": spec.prompt,
        "negative_prompt": spec.negative_prompt or None,  # none given: zeros, as the checkpoint asks
        "num_images_per_prompt": spec.n,
        "num_inference_steps": spec.steps,
        "guidance_scale": spec.guidance_scale,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds],
    }
