"""The OpenAPI document: complete, valid, and readable without the internet."""

import re

import pytest
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client):
    """The document as JSON."""
    return client.get("/api/v1/openapi.json").json()


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/generations", "post"),
        ("/api/v1/generations", "get"),
        ("/api/v1/generations/{id}", "get"),
        ("/api/v1/generations/{id}/cancel", "post"),
        ("/api/v1/images/{id}", "get"),
        ("/api/v1/images/{id}", "delete"),
        ("/api/v1/images/{id}/content", "get"),
        ("/api/v1/generations/{id}/archive", "get"),
        ("/api/v1/batches", "post"),
        ("/api/v1/batches", "get"),
        ("/api/v1/batches/{id}", "get"),
        ("/api/v1/batches/{id}/archive", "get"),
        ("/api/v1/batches/{id}/cancel", "post"),
        ("/api/v1/batches/{id}/sheet", "get"),
        ("/api/v1/sweeps", "post"),
        ("/api/v1/quotes", "post"),
        ("/api/v1/usage", "get"),
        ("/api/v1/uploads", "post"),
        ("/api/v1/uploads/{id}", "get"),
        ("/api/v1/uploads/{id}", "delete"),
        ("/api/v1/uploads/{id}/content", "get"),
        ("/api/v1/checkpoints", "get"),
        ("/api/v1/controlnets", "get"),
        ("/api/v1/loras", "get"),
        ("/api/v1/loras/{id}", "get"),
        ("/api/v1/schedulers", "get"),
        ("/api/v1/members", "get"),
        ("/api/v1/members/{id}", "patch"),
        ("/api/v1/members/{id}", "delete"),
        ("/api/v1/members/{id}/transfer", "post"),
        ("/api/v1/invitations", "post"),
        ("/api/v1/invitations", "get"),
        ("/api/v1/invitations/{id}", "delete"),
        ("/api/v1/invitations/{id}/resend", "post"),
        ("/v1/images/generations", "post"),
        ("/v1/images/edits", "post"),
        ("/v1/images/variations", "post"),
        ("/v1/models", "get"),
    ],
)
def test_it_knows_every_route(document, path, method):
    assert method in document["paths"][path]


def test_it_tells_the_limits_of_a_request(document):
    fields = document["components"]["schemas"]["OrderRequest"]["properties"]
    assert (fields["steps"]["minimum"], fields["steps"]["maximum"]) == (1, 100)
    assert fields["prompt"]["maxLength"] == 4000
    assert document["components"]["schemas"]["OrderRequest"]["required"] == ["prompt"]
    weight = document["components"]["schemas"]["LoraOrderRequest"]["properties"]["weight"]
    assert (weight["minimum"], weight["maximum"], weight["default"]) == (-2, 2, 1)


def test_it_tells_how_a_picture_is_given(document):
    bodies = document["paths"]["/api/v1/uploads"]["post"]["requestBody"]["content"]
    assert set(bodies) == {"application/json", "multipart/form-data"}
    assert document["components"]["schemas"]["GivenRequest"]["properties"]["file"]["format"] == "binary"


def test_the_docs_load_nothing_from_elsewhere(client):
    page = client.get("/api/v1/docs").content.decode()
    assert "swagger" in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.parametrize("path", ["/api/v1/generations", "/api/v1/batches", "/api/v1/uploads", "/v1/images/edits"])
def test_it_tells_which_requests_may_name_themselves(document, path):
    operations = document["paths"][path]
    named = {
        method
        for method, operation in operations.items()
        if "Idempotency-Key" in [each["name"] for each in operation.get("parameters", [])]
    }
    assert named == {"post"}


def test_a_list_is_described_as_it_is_answered(document):
    for path, named in [
        ("generations", "GenerationPage"),
        ("members", "MemberPage"),
        ("checkpoints", "CheckpointList"),
    ]:
        shape = answer_of(document, f"/api/v1/{path}", "get", "200")
        assert shape == {"$ref": f"#/components/schemas/{named}"}
    page = document["components"]["schemas"]["GenerationPage"]
    assert set(page["required"]) == {"object", "data", "has_more", "first_id", "last_id"}


def test_what_may_be_null_is_said_to_be(document):
    fields = document["components"]["schemas"]["Generation"]["properties"]
    assert fields["queue"]["nullable"]
    assert fields["error"]["nullable"]
    assert document["components"]["schemas"]["Delivery"]["properties"]["next_attempt_at"]["nullable"]


def test_every_operation_says_how_it_refuses(document):
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"400", "401", "403", "429", "503"} <= operation["responses"].keys(), path
    refusal = document["components"]["responses"]["Refused429"]
    assert refusal["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Refusal"}


def test_no_request_takes_an_unknown_field(document):
    shapes = document["components"]["schemas"]
    open_ones = [name for name in shapes if name.endswith("Request") and shapes[name].get("additionalProperties", True)]
    assert open_ones == []


def test_lists_and_times_in_requests_are_no_plain_texts(document):
    shapes = document["components"]["schemas"]
    events = shapes["EndpointOrderRequest"]["properties"]["events"]
    assert (events["type"], shapes["OrderRequest"]["properties"]["finish_by"]["format"]) == ("array", "date-time")
    specs = shapes["BatchOrderRequest"]["properties"]["specs"]
    assert specs["items"] == {"$ref": "#/components/schemas/PatchedOrderRequest"}


def test_it_is_made_without_a_warning_so_every_operation_has_a_name_of_its_own():
    reset_generator_stats()
    SchemaGenerator().get_schema(public=True)
    assert not GENERATOR_STATS


def test_a_dry_run_answers_a_quote(document):
    assert "discriminator" in document["components"]["schemas"]["GenerationOrQuote"]


def test_a_quote_may_tell_of_a_refusal(document):
    refusal = document["components"]["schemas"]["Quote"]["properties"]["refusal"]
    assert refusal["nullable"]
    assert {"message", "code", "limit"} <= refusal["properties"].keys()


def answer_of(document, path, method, status):
    """Return the schema of an operation's JSON answer."""
    return document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
