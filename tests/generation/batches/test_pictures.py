"""Batches and sweeps over pictures: named once for all, taken in once for all."""

from generation import orders
from generation.batches.orders import batch_orders
from generation.batches.pictures import Pictures
from generation.models import GenerationJob, Upload
from tenants.callers import Caller
from tests.generation.batches.conftest import BATCHES, SMALL, SWEEPS
from tests.generation.giving import given, left_half, plain

MASK = given(left_half((9, 9, 9, 0), (9, 9, 9, 255), mode="RGBA"))
START = {"prompt": "a red kite", "steps": 2, "init_image": given(plain())}


def values_of(person, field, values, spec, column):
    """Sweep one field and return what its generations have in this column."""
    answer = person.api.post(SWEEPS, {"spec": spec, "axes": [{"field": field, "values": values}]})
    assert answer.status_code == 202, answer.content
    return list(GenerationJob.objects.order_by("batch_index").values_list(column, flat=True))


def test_the_strength_of_one_picture_is_swept(alice):
    assert values_of(alice, "strength", [0.25, 0.5, 1], START, "strength") == [0.25, 0.5, 1]
    assert {job.init_image for job in GenerationJob.objects.all()} == {Upload.objects.get()}


def test_how_strongly_a_controlnet_is_followed_is_swept(alice, controlnet):
    spec = SMALL | {"controlnets": [{"name": "edges", "image": given(plain())}]}
    assert values_of(alice, "controlnets[0].weight", [0, 0.5], spec, "controls__weight") == [0, 0.5]


def test_sigmas_and_the_second_pass_are_swept(alice):
    assert values_of(alice, "sigmas", ["karras", "exponential"], SMALL, "sigmas") == ["karras", "exponential"]
    GenerationJob.objects.all().delete()
    spec = SMALL | {"hires": {"scale": 2, "strength": 0.1}}
    assert values_of(alice, "hires.strength", [0.3, 0.6], spec, "hires_strength") == [0.3, 0.6]


def test_a_picture_of_the_defaults_begins_every_spec(alice):
    specs = [{"mask": MASK}, {}, {"init_image": given(plain("teal"))}]
    answer = alice.api.post(BATCHES, {"specs": specs, "defaults": START})
    first, second, third = GenerationJob.objects.filter(batch=answer.json()["id"]).order_by("batch_index")
    assert first.init_image == second.init_image != third.init_image
    assert (bool(first.mask), bool(second.mask)) == (True, False)


def test_a_picture_is_taken_in_once(alice, controlnet):
    asked = orders.OrderSerializer(
        data=START | {"mask": MASK, "controlnets": [{"name": "edges", "image": given(plain("teal"))}]}
    )
    asked.is_valid(raise_exception=True)
    order, pictures = orders.order(Caller(alice.tenant, (), key=alice.key), asked.validated_data), Pictures()
    pictures.note(asked.validated_data, order)
    known = pictures.known(asked.validated_data)
    assert (known["init_image"], known["mask"]) == (order.start.init_image, order.start.mask)
    assert known["controlnets"][0]["image"] == order.controls[0].image


def test_a_hundred_specs_look_for_their_picture_as_often_as_one(alice, count_queries):
    counted, caller = {}, Caller(alice.tenant, (), key=alice.key)
    for count in (1, 100):
        defaults = START | {"mask": MASK}
        counted[count] = count_queries(batch_orders, caller, {"specs": [{}] * count, "defaults": defaults})
    assert counted[100] < counted[1]  # which had yet to store it


def test_a_picture_that_is_not_there_is_named(alice):
    specs = [START, {"prompt": "a kite", "init_image": "img_" + "0" * 26}]
    error = alice.api.post(BATCHES, {"specs": specs}).json()["error"]
    assert (error["code"], error["param"]) == ("image_not_found", "specs[1].init_image")


def test_a_batch_brings_a_bounded_number_of_pictures(alice):
    specs = [START | {"init_image": f"https://pictures.example/{number}.png"} for number in range(25)]
    error = alice.api.post(BATCHES, {"specs": specs}).json()["error"]
    assert error["code"] == "too_many_images"
    assert "/api/v1/uploads" in error["message"]
