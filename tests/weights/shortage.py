"""Memory that runs out where a test wants it to."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class OutOfMemoryAt(TorchDispatchMode):
    """Let memory run out at the n-th operation of some names, counted from 0, or of all; count them."""

    def __init__(self, point: int | None = None, names: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.point, self.counted, self.passed, self.names = point, names, 0, set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        if not self.counted or name in self.counted:
            self.names.add(name)
            self.passed += 1
            if self.passed - 1 == self.point:
                raise torch.OutOfMemoryError("Tried to allocate more than there is.")
        return func(*args, **(kwargs or {}))
