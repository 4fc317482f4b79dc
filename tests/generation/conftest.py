"""What do the tests of generations need besides the cast?"""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from generation import orders
from generation.orders import Order
from tenants.callers import Caller
from tenants.models import every_scope


@pytest.fixture
def caller_and_order() -> Callable[..., tuple[Caller, Order]]:
    """Return a person as the services know them, and a checked order of theirs with these LoRAs."""

    def make(person: Any, loras: list[dict[str, Any]]) -> tuple[Caller, Order]:
        asked = orders.OrderSerializer(data={"prompt": "a red kite", "loras": loras})
        asked.is_valid(raise_exception=True)
        return Caller(person.tenant, tuple(every_scope())), orders.order(person.tenant, asked.validated_data)

    return make


@pytest.fixture
def openai_client(alice: Any, server: str) -> openai.OpenAI:
    """Alice's program, written for OpenAI."""
    return openai.OpenAI(base_url=f"{server}/v1", api_key=alice.secret)
