"""What do the tests of repeated requests need besides the cast?"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from idempotency.models import KeptRequest


@pytest.fixture
def expire() -> Callable[[], None]:
    """Let a day go by for what is kept."""
    return lambda: _move("expires_at")


@pytest.fixture
def fall_silent() -> Callable[[], None]:
    """Let the leases of those who are doing something lapse."""
    return lambda: _move("lease_until")


def _move(instant: str) -> None:
    KeptRequest.objects.filter(**{f"{instant}__isnull": False}).update(**{instant: timezone.now() - timedelta(1)})
