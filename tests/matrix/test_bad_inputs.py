"""How is bad input answered? The whole table of `reliability.md` (d), by its numbers: here, or where it says.

What comes as broken HTTP is in `test_bad_http.py`, what the fields of keys, members, webhooks and quotes refuse in
`test_bad_fields.py`.
"""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from generation.models import GenerationJob
from quotas.models import LedgerEntry
from tenants.models import Scope
from tenants.services import issue_key, revoke_key, suspend_tenant
from tests.conftest import Api
from wire.ids import new_id

GENERATIONS = "/api/v1/generations"
KITE = {"prompt": "a kite", "size": "64x64"}
IRE, AE, PE, RLE = "invalid_request_error", "authentication_error", "permission_error", "rate_limit_error"

# number, method, path, body, headers, status, type, code, param
ROWS = [
    (1, "POST", GENERATIONS, KITE, {"Authorization": ""}, 401, AE, "missing_api_key", None),
    (2, "POST", GENERATIONS, KITE, {"Authorization": "Bearer foo"}, 401, AE, "invalid_api_key", None),
    (2, "POST", GENERATIONS, KITE, {"Authorization": "Basic Zm9vOg=="}, 401, AE, "invalid_api_key", None),
    (4, "POST", f"{GENERATIONS}?api_key=sdx_live_x", KITE, {}, 400, IRE, "api_key_in_url", None),
    (7, "GET", f"{GENERATIONS}/{new_id('gen')}", {}, {}, 404, IRE, "not_found", None),
    (7, "GET", f"{GENERATIONS}/../x", {}, {}, 404, IRE, "not_found", None),
    (8, "POST", "/api/v1/nothing", KITE, {}, 404, IRE, "unknown_url", None),
    (9, "PUT", GENERATIONS, KITE, {}, 405, IRE, "method_not_allowed", None),
    (10, "POST", GENERATIONS, KITE, {"Content-Type": "text/plain"}, 415, IRE, "unsupported_media_type", None),
    (11, "POST", GENERATIONS, KITE, {"Content-Type": "application/json; charset=bogus"}, 415, IRE,
     "unsupported_charset", None),
    (12, "POST", GENERATIONS, b"", {}, 400, IRE, "missing_required_parameter", "prompt"),
    (14, "POST", GENERATIONS, b"null", {}, 400, IRE, "invalid_json_type", None),
    (19, "POST", GENERATIONS, KITE | {"tenant_id": "ten_1"}, {}, 400, IRE, "unknown_parameter", "tenant_id"),
    (36, "POST", GENERATIONS, {"prompt": "x", "n": 10, "size": "2048x2048", "steps": 100}, {}, 400, IRE,
     "job_too_large", None),
    (37, "POST", GENERATIONS, KITE | {"checkpoint": "none"}, {}, 404, IRE, "model_not_found", "checkpoint"),
    (37, "POST", "/v1/images/generations", {"prompt": "x", "model": "none"}, {}, 404, IRE, "model_not_found", "model"),
    (37, "GET", "/v1/models/none", {}, {}, 404, IRE, "model_not_found", "model"),
    (38, "POST", "/v1/images/generations", {"prompt": "x", "response_format": "png"}, {}, 400, IRE, "invalid_value",
     "response_format"),
    (40, "POST", GENERATIONS, KITE | {"loras": [{"name": "none"}]}, {}, 404, IRE, "lora_not_found", "loras[0]"),
    (41, "POST", GENERATIONS, KITE | {"init_image": "data:image/png;base64,"}, {}, 400, IRE, "empty_image_file",
     "init_image"),
    (50, "POST", GENERATIONS, KITE | {"init_image": "data:text/html;base64,PGI+"}, {}, 400, IRE, "invalid_base64_image",
     "init_image"),
    (51, "POST", GENERATIONS, KITE | {"init_image": "https://0x7f000001/"}, {}, 400, IRE, "invalid_image_url",
     "init_image"),
    (65, "POST", "/api/v1/webhooks", {"url": "https://93.184.216.34:22/"}, {}, 400, IRE, "invalid_webhook_url", "url"),
    (65, "POST", GENERATIONS, KITE | {"webhook": "http://93.184.216.34/"}, {}, 400, IRE, "invalid_webhook_url",
     "webhook.url"),
    (66, "POST", GENERATIONS, KITE, {"Idempotency-Key": "k" * 256}, 400, IRE, "invalid_idempotency_key", None),
    (66, "POST", GENERATIONS, KITE, {"Idempotency-Key": "a\x01"}, 400, IRE, "invalid_idempotency_key", None),
]  # fmt: skip

ORDERS = "generation/test_bad_orders.py::test_it_is_refused_by_name_and_nothing_is_stored"
PICTURES = "generation/intake/test_bad_pictures.py::test_it_is_refused_by_name_and_nothing_is_stored"
ELSEWHERE = {
    **dict.fromkeys([*range(12, 20), *range(21, 28), *range(29, 37)], ORDERS),
    20: "matrix/test_bad_http.py::test_a_body_beyond_the_limit_is_refused_however_it_comes",
    28: "generation/test_bad_orders.py::test_any_real_text_is_kept_byte_for_byte",
    38: "generation/test_bad_orders.py::test_a_refused_choice_lists_what_would_pass",
    39: "generation/test_loras.py::test_what_no_request_may_say_is_refused_by_name",
    40: "generation/test_loras.py::test_another_tenants_lora_looks_like_none",
    **dict.fromkeys(range(41, 48), PICTURES),
    48: "generation/intake/test_normalising.py::test_every_kind_of_pixel_becomes_eight_bits_of_rgb_rgba_or_grey",
    49: "generation/test_bad_kinds.py::test_it_is_refused_by_name_and_no_job_is_stored",
    50: "generation/intake/test_taking.py::test_a_data_url_that_holds_no_picture_is_refused",
    51: "generation/intake/test_fetching.py::test_an_address_that_is_not_public_is_refused_in_one_text",
    52: "generation/intake/test_fetching.py::test_a_server_that_will_not_end_is_left_in_time_in_one_text",
    # LoRA files come from the operator alone, through the console and the command line.
    53: "weights/test_header.py::test_a_pickle_is_named_as_what_it_is",
    54: "weights/test_header.py::test_a_header_length_that_cannot_be",
    55: "weights/test_header.py::test_a_broken_file",
    56: "weights/test_header.py::test_a_million_tensors_take_neither_time_nor_memory",
    57: "weights/test_lora_file.py::test_weights_in_a_dtype_loras_do_not_have",
    58: "loras/test_registering.py::test_a_file_is_as_large_as_it_says_and_two_gib_at_most",
    59: "loras/test_registering.py::test_endless_hints_are_cut_between_words",
    67: "idempotency/test_crashes.py::test_what_is_still_being_done_is_asked_for_again_in_a_second",
    68: "quotas/test_rates.py::test_a_refusal_says_when_and_tells_it_too",
    73: "matrix/test_bad_http.py::test_what_is_no_http_is_refused",
    74: "matrix/test_bad_http.py::test_an_odd_path_is_missing_and_nothing_worse",
    75: "matrix/test_bad_http.py::test_a_range_is_passed_over",
}
NO_ROUTE_YET = {60, 61, 62, 63, 64}  # data sets and training
HERE = {row for row, *_ in ROWS} | {3, 5, 6, 67, 69, 70, 71, 72}
LISTS = [
    "generations",
    "batches",
    "loras",
    "keys",
    "members",
    "invitations",
    "webhooks",
    "webhooks/deliveries",
    "audit",
]


def test_every_row_is_accounted_for():
    assert HERE | ELSEWHERE.keys() | NO_ROUTE_YET == set(range(1, 76))
    for file, name in (test.split("::") for test in ELSEWHERE.values()):
        assert f"def {name}(" in (Path(__file__).parents[1] / file).read_text()


def check(answer, status, kind, code, param=None):
    """Assert that this refuses in the one shape, with its headers."""
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (status, kind, code, param)
    assert error["message"].endswith(".")
    assert answer["X-Request-Id"].startswith("req_")
    assert (answer["Content-Type"], answer.get("Cache-Control")) == ("application/json", "no-store, private")
    assert status not in (429, 503) or int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[7]}")
def test_it_is_refused_in_the_one_shape(alice, row):
    _, method, path, body, headers, *refused = row
    sent = {"content_type": "application/json", "headers": dict(headers)}
    if kind := sent["headers"].pop("Content-Type", ""):
        sent["content_type"] = kind
    check(alice.api.generic(method, path, body_of(body), **sent), *refused)
    assert not GenerationJob.objects.exists()
    assert not LedgerEntry.objects.exists()


def body_of(said):
    return said if isinstance(said, bytes) else json.dumps(said).encode()


def test_3_a_revoked_key(alice):
    revoke_key(alice.key)
    check(alice.api.get(GENERATIONS), 401, AE, "api_key_revoked")


def test_3_an_expired_key(alice):
    _, secret = issue_key(alice.tenant, "old", expires_at=timezone.now())
    check(Api(secret).get(GENERATIONS), 401, AE, "api_key_expired")


def test_5_a_key_that_may_read_alone(alice):
    _, secret = issue_key(alice.tenant, "reader", scopes=[Scope.READ])
    check(Api(secret).post(GENERATIONS, KITE), 403, PE, "insufficient_scope")


def test_6_a_suspended_tenant(alice):
    suspend_tenant(alice.tenant)
    check(alice.api.post(GENERATIONS, KITE), 403, PE, "account_suspended")


def test_67_a_key_that_stands_for_another_request(alice):
    named = {"headers": {"Idempotency-Key": "k1"}}
    alice.api.post(GENERATIONS, KITE, **named)
    check(alice.api.post(GENERATIONS, KITE | {"seed": 1}, **named), 422, "idempotency_error", "idempotency_key_reused")


@pytest.mark.parametrize(
    ("limits", "status", "kind", "code"),
    [
        ({"images_per_day": 0}, 429, RLE, "insufficient_quota"),
        ({"queued_jobs": 0}, 429, RLE, "queue_full"),
        ({"storage_bytes": 0}, 403, PE, "storage_quota_exceeded"),
    ],
)
def test_69_a_limit_is_used_up(alice, allow, limits, status, kind, code):
    allow(alice, **limits)
    check(alice.api.post(GENERATIONS, KITE), status, kind, code)
    assert not GenerationJob.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_70_the_server_is_full(alice, settings):
    settings.MAX_QUEUED = 0
    check(alice.api.post(GENERATIONS, KITE), 503, "server_error", "engine_overloaded")
    assert not LedgerEntry.objects.exists()


def test_71_what_is_finished_cannot_be_cancelled(alice, make_image):
    job_id = make_image(alice).job_id
    check(alice.api.post(f"{GENERATIONS}/{job_id}/cancel"), 409, IRE, "job_already_finished")


@pytest.mark.parametrize("route", LISTS)
def test_72_a_cursor_or_limit_that_is_none(alice, route):
    for after in ("nonsense", "req_" + "0" * 26, "%00", "%ff", "x" * 3000, ""):
        check(alice.api.get(f"/api/v1/{route}?after={after}"), 400, IRE, "invalid_cursor", "after")
    for limit in ("0", "101", "1000000", "-1", "x", "1.5", "", "%00", "9" * 5000):
        check(alice.api.get(f"/api/v1/{route}?limit={limit}"), 400, IRE, "invalid_value", "limit")
