"""Plans for the tests of quotas."""

import pytest

from quotas.models import Plan


@pytest.fixture
def no_plan(transactional_db: None) -> None:
    """A server whose operator has removed the default plan."""
    Plan.objects.all().delete()
