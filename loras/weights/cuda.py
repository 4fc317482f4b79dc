"""The few lines that know CUDA: pinned host memory, the device's memory, how much of it there is."""

import torch

# For what drawing needs beside the weights: activations of a batch at 1024x1024, the VAE's fp32 decode, workspaces.
HEAD_ROOM_BYTES = 5 * 1024**3


class CudaBlocks:
    """Blocks of one CUDA device and of pinned host memory, from which it copies without stopping its work."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def host(self, nbytes: int) -> torch.Tensor:
        try:
            return torch.empty(nbytes, dtype=torch.uint8, pin_memory=True)
        except torch.AcceleratorError as error:
            # CUDA's code for a lack of memory to pin is that of a failed device; it is none.
            if "out of memory" not in str(error):
                raise
            raise torch.OutOfMemoryError(f"{nbytes:,} bytes of host memory cannot be pinned.") from error

    def device(self, nbytes: int) -> torch.Tensor:
        return torch.empty(nbytes, dtype=torch.uint8, device=self._device)

    def trim(self) -> None:
        torch.cuda.empty_cache()


def free_for_weights(device: torch.device) -> int:
    """Return how many bytes of the device weights may take: what is free now, less the head-room."""
    return max(0, torch.cuda.mem_get_info(device)[0] - HEAD_ROOM_BYTES)
