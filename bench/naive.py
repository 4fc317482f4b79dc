"""The naive server: diffusers' own pipelines behind a queue, as a web server's first version has it.

One request at a time; its LoRAs are loaded before and unloaded after; another checkpoint is read with from_pretrained;
ControlNets and a refiner stay where they are once they were asked for; the pictures are saved as Pillow saves PNGs by
default.
"""

import gc
import io
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from diffusers import StableDiffusionXLPipeline
from PIL.Image import Image

from bench.stock import Stock
from generation.engine.spec import LoraUse, Spec


class NaiveServer:
    """Serves one request after the other in a thread of its own."""

    name = "naive"

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.lora_switches = 0
        self.checkpoint_switches = 0
        self._checkpoint = ""
        self._stock: Stock | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self.name)

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        return self._thread.submit(self._serve, spec)

    def close(self) -> None:
        self._thread.shutdown()
        self._stock = None
        give_memory_back()

    def _serve(self, spec: Spec) -> list[bytes]:
        stock = self._stock_of(spec.checkpoint)
        if spec.loras:
            self.lora_switches += 1
            load_loras(stock.pipeline, spec.loras)
        try:
            return [png(image) for image in stock.draw(spec)]
        finally:
            if spec.loras:
                stock.pipeline.unload_lora_weights()

    def _stock_of(self, checkpoint: str) -> Stock:
        if self._stock is None or checkpoint != self._checkpoint:
            self.checkpoint_switches += 1
            self._stock = None
            give_memory_back()
            self._stock = Stock(checkpoint, self.device)
            self._checkpoint = checkpoint
        return self._stock


def load_loras(pipeline: StableDiffusionXLPipeline, loras: tuple[LoraUse, ...]) -> None:
    names = [f"lora_{number}" for number in range(len(loras))]
    for name, lora in zip(names, loras, strict=True):
        pipeline.load_lora_weights(str(lora.path.parent), weight_name=lora.path.name, adapter_name=name)
    pipeline.set_adapters(names, [lora.weight for lora in loras])


def png(image: Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def give_memory_back() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
