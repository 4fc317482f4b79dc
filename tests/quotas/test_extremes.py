"""An operator may type any number: no limit, however large, is in the way of a request."""

import pytest

from generation.models import GenerationJob

MOST = 2**63 - 1


@pytest.mark.parametrize("name", ["gpu_seconds_per_day", "images_per_month", "storage_bytes"])
def test_the_largest_limit_lets_everything_in(alice, allow, name):
    allow(alice, **{name: MOST})
    answer = alice.api.post("/api/v1/generations", {"prompt": "a kite"})
    assert (answer.status_code, GenerationJob.objects.count()) == (202, 1), answer.content
