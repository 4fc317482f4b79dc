"""What do the tests of pages need besides the cast?"""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from generation.models import Image
from wire.ids import new_id


def queries_of(browser: Client, address: str) -> tuple[str, int]:
    """Return a page and how many queries it took."""
    with CaptureQueriesContext(connection) as captured:
        page = browser.get(address).content.decode()
    return page, len(captured)


@pytest.fixture
def many_images(alice, make_image) -> Callable[[int], list[Image]]:
    """Store so many images of alice's, oldest first, all with one file."""

    def make(count: int) -> list[Image]:
        images = [make_image(alice, size="64x64", steps=1)]
        for index in range(1, count):
            twin = Image.objects.get(pk=images[0].pk)
            twin.pk, twin.index = new_id("img"), index
            twin.save(force_insert=True)
            images.append(twin)
        return sorted(images, key=lambda image: image.pk)

    return make
