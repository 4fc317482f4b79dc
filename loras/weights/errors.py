"""How weights can be unusable: the message is a sentence an operator can act on."""


class CheckpointUnusable(Exception):
    """Report that a checkpoint is missing, unreadable or not an SDXL base."""
