"""How a generation can fail: each error has a code for programs and a sentence for people."""


class EngineError(Exception):
    """Report that the engine made no picture; the message is a sentence its user can act on."""

    code = "engine_error"


class OutOfMemory(EngineError):
    """Report that the spec does not fit the device, not even with half the pictures at once."""

    code = "gpu_out_of_memory"


class WeightsDoNotFit(OutOfMemory):
    """Report that the weights asked for are more than the budget for weights, whatever else leaves."""


class InvalidOutput(EngineError):
    """Report that what came out is no picture."""

    code = "invalid_output"


class BrokenPicture(InvalidOutput):
    """Report that a picture's numbers are not finite, or all the same: another precision may draw it."""


class CheckpointError(EngineError):
    """Report that a checkpoint is missing, unreadable or not an SDXL."""

    code = "checkpoint_unusable"


class LoraError(EngineError):
    """Report that a LoRA cannot be put on this checkpoint; the code is the LoRA file's own."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class DeviceLost(EngineError):
    """Report that the device failed and stays unusable for this process, which must exit."""

    code = "device_lost"
