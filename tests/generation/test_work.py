"""How much work a request is follows what its parts come to in FLOPs, whatever they are put together to."""

from dataclasses import replace

import pytest

from generation.engine.spec import Hires, Spec
from generation.work import Finish, Work

SDXL = Spec(
    checkpoint="sdxl",
    prompt="a red kite",
    negative_prompt="",
    width=1024,
    height=1024,
    steps=30,
    guidance_scale=7.5,
    seed=1,
    n=1,
    scheduler="EulerDiscreteScheduler",
)


def units(spec=SDXL, said=None, **work):
    return Work(replace(spec, **(said or {})), **work).units


@pytest.mark.parametrize(
    ("said", "work", "tflop"),
    [
        ({}, {}, 416.1),
        ({"steps": 50}, {}, 686.6),
        ({"steps": 4, "guidance_scale": 1.0}, {}, 37.5),
        ({}, {"windows": [(0.0, 1.0)]}, 597.4),
        ({"width": 2048, "height": 2048}, {}, 2203.0),
        ({}, {"finish": Finish(0.8, 7.5)}, 422.4),
    ],
)
def test_work_is_as_the_flops_that_were_counted(said, work, tflop):
    assert units(said=said, **work) == pytest.approx(tflop / 6.76, rel=0.03)


def test_pictures_add_up():
    assert units(said={"n": 4}) == pytest.approx(4 * units(), rel=0.01)


def test_a_weaker_strength_is_less_work():
    assert units(said={"strength": 0.5}, begins_from_picture=True) == pytest.approx(units() / 2, rel=0.05)


def test_a_scheduler_of_second_order_asks_twice():
    assert units(said={"scheduler": "HeunDiscreteScheduler"}) == pytest.approx(2 * units(), rel=0.05)


def test_a_second_pass_is_work_of_its_size():
    second = units(said={"width": 2048, "height": 2048, "steps": 15})
    hires = units(said={"hires": Hires(2.0, 0.5)})
    assert hires == pytest.approx(units() + second, rel=0.03)


def test_a_controlnet_costs_as_long_as_it_is_followed():
    whole, half, none = (units(windows=[(0.0, end)]) for end in (1.0, 0.5, 0.0))
    assert half == pytest.approx((whole + none) / 2)
