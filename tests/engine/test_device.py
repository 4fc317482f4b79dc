"""Whatever the device's failure, the caller learns what to do: ask for less, start a new process, or look for a bug."""

import pytest
import torch

from generation.engine.device import choose_device
from generation.engine.errors import DeviceLost, OutOfMemory


def fail_with(unet, error):
    def fail(module, given):
        raise error

    return unet.register_forward_pre_hook(fail)


@pytest.mark.parametrize("sentence", ["CUDA error: an illegal memory access", "cuDNN error: EXECUTION_FAILED"])
def test_a_failed_device_is_lost(unet, draw, ask, sentence):
    with fail_with(unet, RuntimeError(sentence)), pytest.raises(DeviceLost, match=sentence):
        draw(ask())


def test_a_processor_without_memory_is_out_of_memory(unet, draw, ask):
    with fail_with(unet, RuntimeError("DefaultCPUAllocator: can't allocate memory")), pytest.raises(OutOfMemory):
        draw(ask())


def test_a_bug_stays_a_bug(unet, draw, ask):
    with fail_with(unet, RuntimeError("mat1 and mat2 shapes differ")), pytest.raises(RuntimeError, match="mat1"):
        draw(ask())


def test_auto_is_cuda_where_there_is_one():
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert choose_device("cpu").type == "cpu"
