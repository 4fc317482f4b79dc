"""How weights can be unusable: the message is a sentence an operator can act on."""


class CheckpointUnusable(Exception):
    """Report that a checkpoint is missing, unreadable or not an SDXL base."""


class LoraUnusable(Exception):
    """Report that a file cannot be used as a LoRA: a code for programs, a sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


class WeightsTooLarge(Exception):
    """Report that what is asked for together is more than the budget, whatever else is put away."""
