"""Where does the device's thread spend its time? Its stack is looked at two hundred times a second."""

import sys
import threading
from collections import Counter
from types import FrameType

from generation.engine.engine import Engine

PERIOD_SECONDS = 0.005
# The innermost of these functions on the stack says what the thread is at.
STAGES = {
    "predict": "denoising: the UNet",
    "advance": "denoising: the schedulers",
    "scale": "denoising: the schedulers",
    "decode": "decoding",
    "members_of": "reading prompts, first noise",
    "switch_to": "switching weights",
    "hand_over": "handing pictures over",
    "_let_in": "waiting for work",
}


class Sampler:
    """Samples the engine's device thread between `start` and `stop`."""

    def __init__(self, engine: Engine) -> None:
        self.thread = engine._thread
        self.counts: Counter[str] = Counter()
        self._stop = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._sampler.start()

    def stop(self) -> dict[str, float]:
        """Return each stage's share of the time in which there was work."""
        self._stop.set()
        self._sampler.join()
        self.counts.pop("waiting for work", None)
        total = sum(self.counts.values()) or 1
        return {stage: count / total for stage, count in self.counts.most_common()}

    def _sample(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            frame = sys._current_frames().get(self.thread.ident or 0)
            self.counts[stage_of(frame)] += 1


def stage_of(frame: FrameType | None) -> str:
    """Name the stage whose function is the innermost on this stack."""
    while frame is not None:
        if "generation/engine/" in frame.f_code.co_filename and frame.f_code.co_name in STAGES:
            return STAGES[frame.f_code.co_name]
        frame = frame.f_back
    return "other"
