"""Follow other pictures with ControlNets: found by name or id, used as given or made by a preprocessor."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from generation.models import GenerationJob
from generation.services import request_generation
from generation.views import Generations
from loras.models import Checkpoint, ControlNet
from tests.generation.giving import file_of, given, left_half, picture_of, plain

ROUTE = "/api/v1/generations"
BLACK = {"prompt": "a red kite", "steps": 1, "seed": 0, "size": "96x64"}  # the fake engine paints this one black
LINES = {"name": "edges", "image": given(left_half("white", "black", mode="RGB"))}


def ask(person, *controls, **fields):
    return person.api.post(ROUTE, BLACK | {"controlnets": list(controls)} | fields)


def test_a_control_image_reaches_from_the_url_to_the_stored_file(alice, controlnet, make_image):
    picture = picture_of(alice, make_image(alice, **BLACK, controlnets=[LINES]))
    assert (picture.getpixel((10, 10)), picture.getpixel((80, 10))) == ((255, 255, 255), (0, 0, 0))


def test_a_preprocessor_makes_lines_of_a_picture_in_the_size_they_are_followed_in(alice, controlnet, make_image):
    drawing = {"name": "edges", "image": given(left_half("white", "navy", (192, 128), "RGB")), "preprocess": "canny"}
    picture = picture_of(alice, make_image(alice, **BLACK, controlnets=[drawing])).convert("L")
    bright = [x for x in range(96) if picture.getpixel((x, 32)) > 200]
    assert bright
    assert all(abs(x - 48) <= 2 for x in bright)


def test_a_form_brings_the_picture_as_a_part_of_its_own(alice, controlnet):
    parts = {"prompt": "a red kite", "steps": "1", "controlnets": '[{"name": "edges", "weight": 0.5}]'}
    parts["controlnets[0].image"] = SimpleUploadedFile("lines.png", file_of(plain("red")))
    (shown,) = alice.api.generic("POST", ROUTE, encode_multipart(BOUNDARY, parts), MULTIPART_CONTENT).json()["spec"][
        "controlnets"
    ]
    assert (
        shown["image"] == ask(alice, LINES | {"image": given(plain("red"))}).json()["spec"]["controlnets"][0]["image"]
    )


def test_what_is_not_said_is_the_controlnets_own(alice, controlnet):
    (shown,) = ask(alice, LINES).json()["spec"]["controlnets"]
    told = {name: shown[name] for name in ("id", "name", "preprocess", "weight", "start", "end")}
    assert told == {
        "id": controlnet.pk, "name": "edges", "preprocess": None, "weight": 0.9, "start": 0, "end": 1,
    }  # fmt: skip


def test_several_keep_their_order_their_windows_and_their_pictures(alice, controlnet):
    early = {"id": controlnet.pk, "image": given(plain("red")), "end": 0.5, "weight": 1.5}
    late = LINES | {"start": 0.5}
    shown = ask(alice, late, early, late).json()["spec"]["controlnets"]
    assert [(each["start"], each["end"], each["weight"]) for each in shown] == [
        (0.5, 1, 0.9),
        (0, 0.5, 1.5),
        (0.5, 1, 0.9),
    ]
    assert shown[0]["image"] == shown[2]["image"] != shown[1]["image"]
    assert [control.start for control in GenerationJob.objects.get().followed] == [0.5, 0, 0.5]


def test_a_weight_of_zero_equals_none(alice, controlnet, make_image):
    image = make_image(alice, **BLACK, controlnets=[LINES | {"weight": 0}])
    assert picture_of(alice, image).getpixel((10, 10)) == (0, 0, 0)
    assert image.receipt["controlnets"] == []


def test_a_controlnet_for_another_base_is_refused_where_that_is_known(alice, controlnet):
    assert ask(alice, LINES).status_code == 202
    Checkpoint.objects.update(context_width=64)
    error = ask(alice, LINES).json()["error"]
    assert (error["code"], error["param"]) == ("controlnet_base_mismatch", "controlnets[0]")
    assert "The ControlNet edges was made for a checkpoint that reads text 2048 wide" in error["message"]


def test_one_removed_while_it_is_asked_for_is_not_found(alice, controlnet, caller_and_order):
    caller, order = caller_and_order(alice, [], controlnets=[LINES])
    ControlNet.objects.all().delete()
    with pytest.raises(Exception, match="There is no such ControlNet") as refusal:
        request_generation(caller, order)
    assert refusal.value.code == "controlnet_not_found"
    assert not GenerationJob.objects.exists()


def test_four_are_written_with_as_many_queries_as_one(alice, controlnet, caller_and_order, count_queries):
    one, four = (caller_and_order(alice, [], controlnets=[LINES] * count) for count in (1, 4))
    request_generation(*one)  # the day's first makes rows that later ones find
    assert count_queries(request_generation, *one) == count_queries(request_generation, *four)


def test_a_list_costs_the_same_however_many_are_followed(alice, controlnet, django_assert_num_queries):
    for count in (0, 1, 4):
        ask(alice, *[LINES] * count)
    request = RequestFactory().get(ROUTE, headers={"Authorization": f"Bearer {alice.secret}"})
    with django_assert_num_queries(12):  # key, page, images, LoRAs, ControlNets; seven to look at the queue
        answer = Generations.as_view()(request)
    assert [len(job["spec"]["controlnets"]) for job in answer.data["data"]] == [4, 1, 0]
