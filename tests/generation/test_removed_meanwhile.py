"""What if something that a request names is removed between the look at it and the job? A refusal, never a bug."""

import pytest

from generation.batches.services import request_batch
from generation.intake.uploads import delete_upload
from generation.models import Batch, GenerationJob, Upload
from generation.services import request_generation
from loras.models import Checkpoint
from tests.generation.giving import given, left_half, plain
from wire.errors import ApiError

MASK = given(left_half((9, 9, 9, 0), (9, 9, 9, 255), mode="RGBA"))


@pytest.fixture
def ask_late(caller_and_order):
    """Return a function that asks for what was ordered before `remove`, alone or as a batch of one."""

    def ask(person, remove, *, as_batch, loras=(), **fields):
        caller, order = caller_and_order(person, list(loras), **fields)
        remove(order)
        with pytest.raises(ApiError) as refusal:
            request_batch(caller, [order]) if as_batch else request_generation(caller, order)
        assert not GenerationJob.objects.exists()
        assert not Batch.objects.exists()
        return refusal.value

    return ask


@pytest.mark.parametrize("as_batch", [False, True])
@pytest.mark.parametrize("param", ["init_image", "mask"])
def test_a_picture(alice, ask_late, param, as_batch):
    refusal = ask_late(
        alice,
        lambda order: delete_upload(getattr(order.start, param)),
        as_batch=as_batch,
        init_image=given(plain()),
        mask=MASK,
    )
    assert (refusal.status, refusal.code, refusal.param) == (404, "image_not_found", param)


@pytest.mark.parametrize("as_batch", [False, True])
def test_a_picture_to_follow(alice, controlnet, ask_late, as_batch):
    followed = [{"name": "edges", "image": given(plain())}]
    refusal = ask_late(alice, lambda order: Upload.objects.all().delete(), as_batch=as_batch, controlnets=followed)
    assert (refusal.status, refusal.code, refusal.param) == (404, "image_not_found", "controlnets")


@pytest.mark.parametrize("as_batch", [False, True])
def test_a_lora(alice, shelve, ask_late, as_batch):
    version = shelve("kite")
    refusal = ask_late(alice, lambda order: version.lora.delete(), as_batch=as_batch, loras=[{"name": "kite"}])
    assert (refusal.status, refusal.code) == (404, "lora_not_found")


def test_a_checkpoint(alice, ask_late):
    refusal = ask_late(alice, lambda order: Checkpoint.objects.all().delete(), as_batch=True)
    assert (refusal.status, refusal.code, refusal.param) == (404, "model_not_found", "checkpoint")


@pytest.mark.parametrize("as_batch", [False, True])
def test_a_refiner(alice, refiner, ask_late, as_batch):
    refusal = ask_late(
        alice, lambda order: Checkpoint.objects.filter(pk=refiner.pk).delete(), as_batch=as_batch, refiner={}
    )
    assert (refusal.status, refusal.code) == (404, "refiner_not_found")
