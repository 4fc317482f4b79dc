"""What every answer has: a request id, no caching, JSON for programs, one shape for refusals."""

import logging
from logging.handlers import BufferingHandler

import pytest

ROUTE = "/api/v1/generations"


def test_every_answer_has_its_own_request_id(alice):
    one, other = alice.api.get(ROUTE), alice.api.get(ROUTE)
    assert one["X-Request-Id"].startswith("req_")
    assert one["X-Request-Id"] != other["X-Request-Id"]


def test_answers_are_never_cached(alice):
    assert alice.api.get(ROUTE)["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/v1/nothing", "/api", "/v1", "/api/v1//generations"])
def test_an_unknown_route_is_answered_in_json(alice, path):
    answer = alice.api.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_url")


def test_a_wrong_method_is_answered_with_the_right_ones(alice):
    answer = alice.api.put(ROUTE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in answer["Allow"]


@pytest.mark.parametrize("id", ["nonsense", "../x", "%2e%2e%2fx", "gen_" + "0" * 26, "a/b/c", "%00", "9" * 5000])
def test_whatever_is_taken_for_an_id_is_answered_alike(alice, id):
    missing = alice.api.get(f"{ROUTE}/gen_00000000000000000000000000")
    answer = alice.api.get(f"{ROUTE}/{id}")
    assert (answer.status_code, answer.content) == (404, missing.content)


def test_a_trailing_slash_is_answered_not_redirected(alice):
    assert alice.api.get(f"{ROUTE}/").status_code == 200


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", [ROUTE, "/v1/models", "/api/v1/schedulers", "/healthz"])
def test_curious_methods_do_no_harm(alice, method, path):
    assert alice.api.generic(method, path).status_code in (200, 405)


@pytest.mark.parametrize("query", ["after=nonsense", "after=img_00000000000000000000000000", "after="])
def test_a_made_up_cursor_is_refused(alice, query):
    error = alice.api.get(f"{ROUTE}?{query}").json()["error"]
    assert (error["code"], error["param"]) == ("invalid_cursor", "after")


@pytest.mark.parametrize("limit", ["0", "101", "1000000", "-1", "x", "1.5", "²"])
def test_a_limit_out_of_bounds_is_refused(alice, limit):
    error = alice.api.get(f"{ROUTE}?limit={limit}").json()["error"]
    assert (error["code"], error["param"]) == ("invalid_value", "limit")


def test_another_host_is_refused_in_json(alice):
    answer = alice.api.get(ROUTE, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.fixture
def log():
    """What the program logs, as the console would show it (pytest's caplog hears silenced loggers too)."""
    heard, root = BufferingHandler(1000), logging.getLogger()
    root.addHandler(heard)
    yield heard.buffer
    root.removeHandler(heard)


def test_another_host_is_no_line_in_the_log(alice, log):
    alice.api.get(ROUTE, headers={"Host": "evil.example"})
    assert not [record for record in log if "evil.example" in record.getMessage()]


@pytest.mark.parametrize("path", [ROUTE, "/v1/models"])
def test_a_format_in_the_query_changes_nothing(alice, path):
    answer = alice.api.get(f"{path}?format=xml")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
