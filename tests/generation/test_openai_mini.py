"""OpenAI's official client and the embedded checkpoint: what an edit changes; a variation stays near its picture."""

import base64
import io

import numpy as np
import PIL.Image
import pytest

from generation.dispatch import Generations
from tests.generation.test_openai_edits import mask

HEART = {"prompt": "a red heart, on a teal background", "size": "128x128", "response_format": "b64_json"}
OURS = {"seed": 3, "steps": 12}


@pytest.fixture
def generations(transactional_db, settings, generations):
    """What performs generations: the real engine on the processor, over the fake one's stores."""
    settings.ENGINE = "generation.engine.engine.Engine"
    settings.CHECKPOINT = str(settings.ROOT / "checkpoints" / "mini")
    settings.ENGINE_OPTIONS = {"device": "cpu"}
    performer = Generations()
    performer.warm_up()
    yield performer
    performer.engine.stop()


def levels(content):
    """Return a picture's levels."""
    return np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")).astype(float)


def test_an_edit_changes_what_the_mask_opens(openai_client, worker):
    before = openai_client.images.generate(**HEART, extra_body=OURS).data[0].b64_json
    given = ("heart.png", base64.b64decode(before), "image/png")
    prompt = {"image": given, "mask": mask((128, 128)), "prompt": "a yellow fish, on a teal background"}
    after = openai_client.images.edit(**prompt, response_format="b64_json", extra_body=OURS).data[0].b64_json
    changed = np.abs(levels(after) - levels(before)).max(axis=2)
    assert changed[:, 64:].max() <= 2
    assert changed[:, :64].mean() > 10


def test_each_look_is_nearer_to_the_picture_than_the_one_before(openai_client, worker, valkey):
    asked = HEART | {"stream": True, "partial_images": 3, "extra_body": OURS}
    *looks, whole = [levels(event.b64_json) for event in openai_client.images.generate(**asked)]
    distances = [np.abs(look - whole).mean() for look in looks]
    assert len(looks) == 3
    assert distances == sorted(distances, reverse=True)


def test_a_variation_is_another_picture_of_the_same(openai_client, worker):
    before = openai_client.images.generate(**HEART, extra_body=OURS).data[0].b64_json
    given = ("heart.png", base64.b64decode(before), "image/png")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        reply = openai_client.images.create_variation(image=given, response_format="b64_json", extra_body=OURS)
    apart = np.abs(levels(reply.data[0].b64_json) - levels(before)).mean()
    assert 1 < apart < 40
