"""What do the tests of generations need besides the cast?"""

from collections.abc import Callable
from typing import Any

import openai
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation import orders
from generation.orders import Order
from loras.models import Checkpoint, ControlNet
from tenants.callers import Caller
from tenants.models import every_scope
from tests.pages.conftest import plan_of

__all__ = ["plan_of"]


@pytest.fixture
def caller_and_order() -> Callable[..., tuple[Caller, Order]]:
    """Return a person as the services know them, and a checked order of theirs with these LoRAs and other fields."""

    def make(person: Any, loras: list[dict[str, Any]], **fields: Any) -> tuple[Caller, Order]:
        asked = orders.OrderSerializer(data={"prompt": "a red kite", "loras": loras, **fields})
        asked.is_valid(raise_exception=True)
        caller = Caller(person.tenant, tuple(every_scope()), key=person.key)
        return caller, orders.order(caller, asked.validated_data)

    return make


@pytest.fixture
def openai_client(alice: Any, server: str) -> openai.OpenAI:
    """Alice's program, written for OpenAI."""
    return openai.OpenAI(base_url=f"{server}/v1", api_key=alice.secret)


@pytest.fixture
def count_queries() -> Callable[..., int]:
    """Return how many queries it takes to do this."""

    def count(act: Callable[..., Any], *args: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            act(*args)
        return len(queries)

    return count


@pytest.fixture
def controlnet(checkpoint: None) -> ControlNet:
    """A ControlNet on the shelf."""
    return ControlNet.objects.create(
        name="edges", kind="canny", source="fake-edges", sha256="c" * 64, context_width=2048, weight=0.9
    )


@pytest.fixture
def refiner(checkpoint: None) -> Checkpoint:
    """The one refiner on the shelf."""
    kind = Checkpoint.Kind.REFINER
    return Checkpoint.objects.create(
        name="finisher", kind=kind, source="fake-refiner", context_width=1280, guidance_scale=5
    )
