"""The cost model learns what a unit of work takes from the jobs that were measured, however many teach it at once."""

import math
import random
from threading import Thread

import pytest
from django.db import connections

from quotas.costs import UNKNOWN, Lesson, known_rates, learn, rate_of
from quotas.models import CostRate

pytestmark = pytest.mark.django_db


def taught(*ms, subjects=("ckpt",), units=1.0):
    for each in ms:
        learn(Lesson(subjects, units, each))
    return rate_of(subjects[:1], known_rates(subjects))


def test_before_any_lesson_the_rate_is_bounded():
    assert rate_of(("ckpt",), known_rates(["ckpt"])) == UNKNOWN
    assert 0 < UNKNOWN.p50 < UNKNOWN.p90 < math.inf


def test_the_first_lesson_replaces_the_guess():
    assert taught(40, units=2.0).p50 == 20


def test_it_finds_the_median_and_what_nine_of_ten_stay_below():
    chance = random.Random(1)
    rate = taught(*(round(1000 * math.exp(chance.gauss(0, 0.3))) for _ in range(300)))
    assert rate.p50 == pytest.approx(1000, rel=0.15)
    assert rate.p90 == pytest.approx(1000 * math.exp(1.2816 * 0.3), rel=0.25)


def test_it_follows_a_faster_machine():
    taught(*[1000] * 100)
    assert taught(*[200] * 100).p50 == pytest.approx(200, rel=0.05)


def test_few_lessons_leave_room_for_doubt():
    few, many = taught(100), taught(*[100] * 50)
    assert few.p90 > 2 * few.p50
    assert many.p50 < many.p90 < 1.1 * many.p50


def test_a_new_checkpoint_is_priced_like_those_that_are_built_alike():
    taught(70, subjects=("old", "context 2048"))
    known = known_rates(["new", "context 2048"])
    assert rate_of(("new", "context 2048"), known).p50 == 70


@pytest.mark.parametrize(("units", "ms"), [(0.0, 5), (1.0, 0), (-1.0, 5)])
def test_what_says_nothing_teaches_nothing(units, ms):
    learn(Lesson(("ckpt",), units, ms))
    assert not CostRate.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_workers_that_teach_at_once_mix_nothing_up():
    def teach():
        taught(*[100] * 20)
        connections.close_all()

    workers = [Thread(target=teach) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    row = CostRate.objects.get()
    assert (round(row.ms_per_unit, 6), row.spread, 20 <= row.measured <= 80) == (100, 0, True)
