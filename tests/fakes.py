"""Which engine do tests use when pictures do not matter? One that paints its seed, in milliseconds, without torch."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from PIL import Image, ImageChops

from generation.drawing import OnPreview
from generation.engine.due import Urgency
from generation.engine.errors import CheckpointError
from generation.engine.options import Options
from generation.engine.spec import LoraUse, Picture, Spec, StepReport

STEP_SECONDS = 0.005


class FakeDrawing:
    """A generation that an engine of ours works on."""

    def __init__(self, spec: Spec, on_preview: OnPreview | None = None) -> None:
        self.spec, self.on_preview = spec, on_preview
        self.progress = StepReport(0, spec.steps)
        self.finished: Future[None] = Future()
        self.device_ms = 0

    def cancel(self) -> None:
        self.finished.cancel()

    def report(self, progress: StepReport) -> None:
        """Take note, and stop the drawing if nobody wants it any more."""
        self.progress = progress
        self.device_ms = round(1000 * STEP_SECONDS * progress.step)
        if self.finished.cancelled():
            raise CancelledError
        due = [round(look * progress.steps / (self.spec.previews + 1)) for look in range(1, self.spec.previews + 1)]
        if progress.step in due and self.on_preview:
            for index in range(self.spec.n):
                self.on_preview(index, due.index(progress.step), preview_of(self.spec, index))


class FakeEngine:
    """The engine's interface over plain coloured pictures: one colour per seed, and one pixel above for each LoRA.

    A picture begins from its init image as its mask and strength say, and control images shine through it.
    """

    def __init__(self, checkpoint: str, options: Options = Options()) -> None:  # noqa: B008 - frozen
        self.drawn_by = {
            "checkpoint": checkpoint,
            "unet_sha256": "0" * 64,
            "torch": "none",
            "diffusers": "none",
            "device": options.device,
            "dtype": "none",
        }
        self.pulse, self.is_unfit = 0, False
        self.threads = ThreadPoolExecutor(2)

    def start(self) -> None:
        """Nothing: the threads start by themselves."""

    def holds(self) -> list[dict[str, Any]]:
        return []

    def submit(
        self,
        spec: Spec,
        on_picture: Callable[[Picture], None],
        on_preview: OnPreview | None = None,
        urgency: Urgency = Urgency(),  # noqa: B008 - frozen
    ) -> FakeDrawing:
        """Draw in another thread."""
        drawing = FakeDrawing(spec, on_preview)
        self.threads.submit(self._draw, drawing, spec, on_picture)
        return drawing

    def _draw(self, drawing: FakeDrawing, spec: Spec, on_picture: Callable[[Picture], None]) -> None:
        try:
            for picture in self.generate(spec, drawing.report):
                on_picture(picture)
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - told to whoever waits
            drawing.finished.set_exception(error)
            return
        if not drawing.finished.cancelled():
            drawing.finished.set_result(None)

    def generate(self, spec: Spec, on_step: Callable[[StepReport], None]) -> list[Picture]:
        """Return one picture for each seed, reporting every step. Tests override this."""
        for step in range(1, spec.steps + 1):
            time.sleep(STEP_SECONDS)
            self.pulse += 1
            on_step(StepReport(step, spec.steps))
        return [self._picture(spec, index) for index in range(spec.n)]

    def _picture(self, spec: Spec, index: int) -> Picture:
        seed = spec.seed_of(index)
        colour = tuple(seed.to_bytes(4, "big")[1:])
        image = begun(spec, Image.new("RGB", (spec.width, spec.height), colour))
        for control in spec.controls:
            image = ImageChops.lighter(image, control.image)
        image = image.resize(spec.final_size)
        for place, lora in enumerate(spec.loras):
            image.putpixel((place, 0), pixel_of(lora))
        return Picture(image, seed, index, self.drawn_by)


def preview_of(spec: Spec, index: int) -> Image.Image:
    """Return what is seen of a picture before its end: a shade of grey by its place."""
    return Image.new("RGB", (spec.width, spec.height), (40 * index,) * 3)


def begun(spec: Spec, drawn: Image.Image) -> Image.Image:
    """Return what is drawn over the picture that it begins from: where the mask says, as strongly as asked."""
    if spec.init_image is None:
        return drawn
    mask = spec.mask or Image.new("L", drawn.size, 255)
    return Image.composite(Image.blend(spec.init_image, drawn, spec.strength), spec.init_image, mask)


def pixel_of(lora: LoraUse) -> tuple[int, int, int]:
    """Return the colour by which a picture shows that this file was put on with this weight."""
    sha256 = hashlib.sha256(lora.path.read_bytes()).hexdigest()
    assert sha256 == lora.sha256
    return int(sha256[:2], 16), int(sha256[2:4], 16), round((lora.weight + 2) * 60)


class BrokenEngine:
    """An engine that cannot load its checkpoint."""

    def __init__(self, checkpoint: str, options: Options = Options()) -> None:  # noqa: B008 - frozen
        raise CheckpointError("no such checkpoint")
