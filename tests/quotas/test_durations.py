"""Durations are written as OpenAI's headers write them, and never too short."""

import pytest

from quotas.durations import duration


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s"), (0.1, "1s"), (59, "59s"), (60, "1m0s"), (360, "6m0s"), (3600, "1h0m0s")]
)
def test_a_duration_is_whole_seconds(seconds, said):
    assert duration(seconds) == said
