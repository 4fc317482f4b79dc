"""One object of each kind of alice's, for the routes that name one."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.pictures import file_of, picture, upload


@pytest.fixture
def objects(alice: Any, make_image: Callable[..., Any], shelve: Callable[..., Any]) -> dict[str, str]:
    """The id of one object of each kind, all of alice's."""
    image = make_image(alice)
    batch = alice.api.post("/api/v1/batches", {"specs": [{"prompt": "a kite"}]}).json()
    return {
        "image": image.pk,
        "generation": image.job_id,
        "batch": batch["id"],
        "upload": upload(alice, file_of(picture())).json()["id"],
        "lora": shelve("grain", 1, tenant=alice.tenant).lora_id,
    }
