"""The usage page: bars by day with a table of the same, tables of what it was for, and what it would cost elsewhere."""

import re
from decimal import Decimal

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from generation.usage.chart import chart_of, rounded_up
from generation.usage.services import Row
from jobs.models import Status
from jobs.moves import move
from tests.pages.conftest import queries_of

PAGE = "/settings/usage"


@pytest.fixture
def ended(alice):
    """A job of alice's that came to so many GPU-milliseconds."""

    def make(ms, **fields):
        body = {"prompt": "a kite", "size": "64x64", "steps": 2, **fields}
        job = GenerationJob.objects.get(pk=alice.api.post("/api/v1/generations", body).json()["id"])
        move(job, Status.RUNNING, attempt=1)
        move(job, Status.SUCCEEDED, measured_ms=ms)

    return make


def test_it_shows_bars_and_the_same_as_a_table(alice, ended):
    ended(250, n=2)
    page, _ = queries_of(alice.browser, PAGE)
    today = timezone.now().date()
    assert len(re.findall("<rect", page)) == 1
    assert f"<title>{today}: 0.2 GPU-seconds, 2 pictures</title>" in page or f"{today}: 0.3 GPU-seconds" in page
    assert re.search(rf'<th scope="row">{today}</th><td>1</td><td>2</td><td>0.250</td>', page)


def test_it_names_checkpoints_loras_and_keys(alice, ended, shelve):
    shelve("kites")
    ended(100, loras=[{"name": "kites"}])
    page, _ = queries_of(alice.browser, PAGE)
    for name in ("fake-sdxl", "kites", "alice&#x27;s program"):
        assert f'<th scope="row">{name}</th>' in page


def test_it_says_what_a_cloud_api_would_have_asked(alice, ended, settings):
    settings.CLOUD_PRICE = (Decimal("0.04"), "USD")
    ended(100, n=3)
    page, _ = queries_of(alice.browser, PAGE)
    assert "<strong>0.12 USD</strong>" in page


def test_without_a_price_there_is_nothing_to_compare_with(alice, ended, settings):
    settings.CLOUD_PRICE = (Decimal(0), "")
    ended(100)
    assert "cloud API" not in queries_of(alice.browser, PAGE)[0]


def test_days_that_cannot_be_shown_are_refused_in_words(alice):
    answer = alice.browser.get(PAGE, {"from": "2026-03-02", "to": "2026-03-01"})
    assert answer.status_code == 422
    assert "from must not be after to" in answer.content.decode()


def test_another_tenant_sees_nothing_of_it(charlie, ended):
    ended(250)
    page, _ = queries_of(charlie.browser, PAGE)
    assert "<rect" not in page
    assert "alice" not in page


def test_a_year_takes_as_many_queries_as_a_day(alice, ended):
    ended(100)
    year = f"{PAGE}?from=2026-01-01&to=2026-12-31"
    assert queries_of(alice.browser, year)[1] == queries_of(alice.browser, PAGE)[1]


@pytest.mark.parametrize(("seconds", "top"), [(0, 1), (0.03, 0.03), (0.31, 0.4), (7, 7), (12, 20), (950, 1000)])
def test_the_scale_ends_in_a_round_number(seconds, top):
    assert rounded_up(seconds) == pytest.approx(top)


def test_the_highest_bar_reaches_no_further_than_the_scale():
    chart = chart_of([Row(f"2026-01-{day:02}", f"2026-01-{day:02}", 1, 1, 1000 * day) for day in range(1, 32)])
    heights = [bar.height for bar in chart.bars]
    assert heights == sorted(heights)
    assert chart.bars[-1].y >= 10
    assert all(bar.x + bar.width <= chart.right for bar in chart.bars)
