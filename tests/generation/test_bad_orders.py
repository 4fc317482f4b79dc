"""What no request for pictures may say: each is refused with its code and the field's name, and nothing is stored."""

import pytest

from generation.models import GenerationJob

ROUTE = "/api/v1/generations"

REFUSED = [
    # body, status, code, param
    (b"", 400, "missing_required_parameter", "prompt"),
    (b'{"prompt":', 400, "invalid_json", None),
    (b"null", 400, "invalid_json_type", None),
    (b"[1]", 400, "invalid_json_type", None),
    (b'"x"', 400, "invalid_json_type", None),
    (b"5", 400, "invalid_json_type", None),
    (b"\xff\xfe", 400, "invalid_encoding", None),
    ('{"prompt": "x"}'.encode("utf-16"), 400, "invalid_encoding", None),
    (b"[" * 100_000, 400, "json_too_deep", None),
    (b'{"prompt": ' + b"[" * 32 + b"]" * 32 + b"}", 400, "json_too_deep", None),
    (b'{"prompt": "x", "steps": 5, "steps": 6}', 400, "duplicate_parameter", "steps"),
    (b'{"prompt": "' + b"x" * (1 << 20) + b'"}', 413, "request_too_large", None),
    ({"prompt": "x", "tenant_id": 1}, 400, "unknown_parameter", "tenant_id"),
    ({"prompt": "x", "is_admin": True}, 400, "unknown_parameter", "is_admin"),
    ({}, 400, "missing_required_parameter", "prompt"),
    ({"prompt": ""}, 400, "empty_string", "prompt"),
    ({"prompt": "  \n"}, 400, "empty_string", "prompt"),
    ({"prompt": "x" * 4001}, 400, "string_above_max_length", "prompt"),
    ({"prompt": 5}, 400, "invalid_type", "prompt"),
    ({"prompt": ["x"]}, 400, "invalid_type", "prompt"),
    ({"prompt": {}}, 400, "invalid_type", "prompt"),
    ({"prompt": None}, 400, "invalid_type", "prompt"),
    (b'{"prompt": "a\\u0000b"}', 400, "invalid_characters", "prompt"),
    (b'{"prompt": "a\\ud800b"}', 400, "invalid_characters", "prompt"),
    (b'{"prompt": "x", "metadata": {"a": "\\ud800"}}', 400, "invalid_characters", "metadata"),
    (b'{"prompt": "x", "metadata": {"\\ud800": "a"}}', 400, "invalid_characters", "metadata"),
    (b'{"prompt": "x", "metadata": {"a": "\\u0000"}}', 400, "invalid_characters", "metadata"),
    ({"prompt": "x", "steps": 0}, 400, "integer_below_min_value", "steps"),
    ({"prompt": "x", "steps": -1}, 400, "integer_below_min_value", "steps"),
    ({"prompt": "x", "steps": 101}, 400, "integer_above_max_value", "steps"),
    ({"prompt": "x", "steps": 20.5}, 400, "invalid_type", "steps"),
    ({"prompt": "x", "steps": "20"}, 400, "invalid_type", "steps"),
    ({"prompt": "x", "steps": True}, 400, "invalid_type", "steps"),
    ({"prompt": "x", "steps": None}, 400, "invalid_type", "steps"),
    (b'{"prompt": "x", "guidance_scale": NaN}', 400, "invalid_number", "guidance_scale"),
    (b'{"prompt": "x", "guidance_scale": Infinity}', 400, "invalid_number", "guidance_scale"),
    (b'{"prompt": "x", "guidance_scale": 1e999}', 400, "invalid_number", "guidance_scale"),
    ({"prompt": "x", "guidance_scale": -0.1}, 400, "number_out_of_range", "guidance_scale"),
    ({"prompt": "x", "guidance_scale": 30.01}, 400, "number_out_of_range", "guidance_scale"),
    ({"prompt": "x", "guidance_scale": 10**400}, 400, "number_out_of_range", "guidance_scale"),
    ({"prompt": "x", "seed": 2**32}, 400, "integer_above_max_value", "seed"),
    ({"prompt": "x", "seed": -2}, 400, "integer_below_min_value", "seed"),
    ({"prompt": "x", "seed": 10**400}, 400, "integer_above_max_value", "seed"),
    (b'{"prompt": "x", "seed": ' + b"1" * 5000 + b"}", 400, "invalid_json", None),
    ({"prompt": "x", "n": 0}, 400, "integer_below_min_value", "n"),
    ({"prompt": "x", "n": 11}, 400, "integer_above_max_value", "n"),
    ({"prompt": "x", "n": 10**9}, 400, "integer_above_max_value", "n"),
    *[
        ({"prompt": "x", "size": size}, 400, "invalid_size", "size")
        for size in ("1024", "1024x", "0x0", "99999x99999", "1023x1024", "1024×1024", "1024X1024", "²56x256")  # noqa: RUF001
    ],
    ({"prompt": "x", "size": 1024}, 400, "invalid_type", "size"),
    ({"prompt": "x", "size": "64x64", "width": 64}, 400, "invalid_value", "size"),
    ({"prompt": "x", "width": 1001}, 400, "invalid_size", "width"),
    ({"prompt": "x", "width": 32}, 400, "integer_below_min_value", "width"),
    ({"prompt": "x", "n": 10, "size": "2048x2048", "steps": 100}, 400, "job_too_large", None),
    ({"prompt": "x", "checkpoint": "no-such"}, 404, "model_not_found", "checkpoint"),
    ({"prompt": "x", "scheduler": "Euler"}, 400, "invalid_value", "scheduler"),
    ({"prompt": "x", "output_format": "gif"}, 400, "invalid_value", "output_format"),
]


@pytest.mark.parametrize(("body", "status", "code", "param"), REFUSED)
def test_it_is_refused_by_name_and_nothing_is_stored(alice, body, status, code, param):
    answer = alice.api.post(ROUTE, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["message"].endswith(".")
    assert not GenerationJob.objects.exists()


@pytest.mark.parametrize(
    ("content_type", "code"),
    [("text/plain", "unsupported_media_type"), ("application/json; charset=bogus", "unsupported_charset")],
)
def test_another_media_type_is_refused(alice, content_type, code):
    answer = alice.api.generic("POST", ROUTE, b'{"prompt": "x"}', content_type=content_type)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, code)


@pytest.mark.parametrize(
    "prompt", ["🦊" * 4000, "ציפור אדומה", "👩‍👩‍👧‍👦", "e" + "\u0301" * 1000, "two\nlines", "<script>alert(1)</script>"]
)
def test_any_real_text_is_kept_byte_for_byte(alice, prompt):
    answer = alice.api.post(ROUTE, {"prompt": prompt})
    assert answer.status_code == 202
    assert answer.json()["spec"]["prompt"] == prompt


def test_a_refused_size_names_the_nearest(alice):
    message = alice.api.post(ROUTE, {"prompt": "x", "size": "1001x1000"}).json()["error"]["message"]
    assert "1000x1000" in message


def test_a_refused_choice_lists_what_would_pass(alice):
    message = alice.api.post(ROUTE, {"prompt": "x", "scheduler": "Euler"}).json()["error"]["message"]
    assert "EulerDiscreteScheduler" in message
