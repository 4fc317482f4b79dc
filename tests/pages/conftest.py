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
def plan_of() -> Callable[[str, Callable[[], object]], str]:
    """Return how SQLite does the one query of an action that contains this text."""

    def plan(text: str, action: Callable[[], object]) -> str:
        with CaptureQueriesContext(connection) as captured:
            action()
        (query,) = {each["sql"] for each in captured if text in each["sql"] and "COUNT" not in each["sql"]}
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query}")
            return "\n".join(row[3] for row in cursor.fetchall())

    return plan


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
