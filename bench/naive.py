"""The naive server: diffusers' own pipeline behind a queue, as a web server's first version has it.

One request at a time; its LoRAs are loaded before and unloaded after; another checkpoint is read with from_pretrained;
the pictures are saved as Pillow saves PNGs by default.
"""

import gc
import io
from concurrent.futures import Future, ThreadPoolExecutor

import diffusers
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from generation.engine.schedulers import SDXL_DEFAULTS
from generation.engine.spec import LoraUse, Spec
from loras.weights.sdxl import silence


class NaiveServer:
    """Serves one request after the other in a thread of its own."""

    name = "naive"

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.lora_switches = 0
        self.checkpoint_switches = 0
        self._checkpoint = ""
        self._pipeline: StableDiffusionXLPipeline | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        return self._thread.submit(self._serve, spec)

    def close(self) -> None:
        self._thread.shutdown()
        self._pipeline = None
        give_memory_back()

    def _serve(self, spec: Spec) -> list[bytes]:
        pipeline = self._pipeline_of(spec.checkpoint)
        if spec.loras:
            self.lora_switches += 1
            load_loras(pipeline, spec.loras)
        try:
            return [png(image) for image in draw(pipeline, spec)]
        finally:
            if spec.loras:
                pipeline.unload_lora_weights()

    def _pipeline_of(self, checkpoint: str) -> StableDiffusionXLPipeline:
        if self._pipeline is None or checkpoint != self._checkpoint:
            self.checkpoint_switches += 1
            self._pipeline = None
            give_memory_back()
            self._pipeline = stock(checkpoint, self.device)
            self._checkpoint = checkpoint
        return self._pipeline


def stock(checkpoint: str, device: torch.device) -> StableDiffusionXLPipeline:
    """Load the pipeline as diffusers' documentation does: half precision on a GPU."""
    silence()
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    pipeline = StableDiffusionXLPipeline.from_pretrained(checkpoint, dtype=dtype, add_watermarker=False).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def load_loras(pipeline: StableDiffusionXLPipeline, loras: tuple[LoraUse, ...]) -> None:
    names = [f"lora_{number}" for number in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        pipeline.load_lora_weights(str(lora.path.parent), weight_name=lora.path.name, adapter_name=name)
    pipeline.set_adapters(names, [lora.weight for lora in loras])


def draw(pipeline: StableDiffusionXLPipeline, spec: Spec) -> list[Image.Image]:
    """Call the pipeline once for all pictures of the request."""
    scheduler = getattr(diffusers, spec.scheduler)
    pipeline.scheduler = scheduler.from_config({**SDXL_DEFAULTS, **pipeline.scheduler.config})
    seeds = [spec.seed_of(index) for index in range(spec.n)]
    return pipeline(
        prompt=spec.prompt,
        negative_prompt=spec.negative_prompt or None,  # none given: zeros, as the checkpoint asks
        width=spec.width,
        height=spec.height,
        num_inference_steps=spec.steps,
        guidance_scale=spec.guidance_scale,
        num_images_per_prompt=spec.n,
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
    ).images


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give_memory_back() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
