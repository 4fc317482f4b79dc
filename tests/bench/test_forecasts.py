"""The forecasts' bench makes the same figures each time, and each of them is of what it says."""

import pytest

from bench.forecast_site import TRUE_MS_PER_UNIT, Site
from bench.forecasts import judge
from quotas.costs import known_rates

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def judged():
    """A few requests on an idle site, one in ten of their time away from what they should take."""
    return Site(noise=0.1).run(load=0.5, seed=3, warm_up=4, judged=8)


def test_what_was_judged_has_ended_and_cost_no_more_than_its_quote(judged):
    found = judge(judged, load=0.5, noise=0.1)
    assert (found["requests"], found["above_quote"]) == (8, 0)
    assert all(each.finished > each.started >= each.at and each.job.charged_ms for each in judged)


def test_the_site_finds_the_true_rate_by_itself(judged):
    assert known_rates(["context 2048"])["context 2048"].p50 == pytest.approx(TRUE_MS_PER_UNIT, rel=0.2)
