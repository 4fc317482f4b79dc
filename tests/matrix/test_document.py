"""Does the site keep what its OpenAPI document promises? schemathesis asks, as a program of alice's that may do all.

SCHEMA_EXAMPLES=100 asks longer, other things each time, and every case at the edge of what the large bodies allow.
"""

import json
import os
import re
from itertools import count

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "0"))
DOCUMENT = json.loads(json.dumps(SchemaGenerator().get_schema(public=True), default=str))
# Their bodies have so many fields that all edges take minutes.
LARGE = {
    "path_regex": r"/(generations|batches|sweeps|quotes|edits|variations|keys|keys/{id})$",
    "method": ["POST", "PATCH"],
}
KINDS = {
    f"{kind}s": kind for kind in ("generation", "image", "invitation", "key", "lora", "member", "upload", "webhook")
}
KINDS["batches"] = "batch"
# What passes depends on more than a document can say: on what is there, on the hour, on the other fields.
LEFT_OFF = [positive_data_acceptance]
# A form is text: [null], which is wrong, is sent as null, which is right.
LEFT_OFF_OF_FORMS = [*LEFT_OFF, negative_data_rejection]
bounded = settings(
    max_examples=EXAMPLES or 4,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def described():
    """Return the document for schemathesis."""
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.generation.allow_extra_parameters = False  # OpenAI's doors pass over what a query says beyond
    return schema


plain = described().exclude(**LARGE)
plain.config.phases.coverage.unexpected_methods = {"put", "trace"}  # test_matrix.py asks with all
large = described().include(**LARGE)
large.config.phases.coverage.enabled = bool(EXAMPLES)


@pytest.fixture
def ids_in(fresh):
    """Return what stands in a path's parameters when it names what is there; made when it is first asked about."""
    made = {"name": "fake-sdxl"}

    def ids(path):
        kind = next((KINDS[part] for part in path.split("/") if part in KINDS), "")
        names = re.findall(r"{(\w+)}", path)
        if names and kind and kind not in made:
            made.update(fresh[kind]())
        return {name: made[kind if name == "id" else name] for name in names}

    return ids


@pytest.fixture
def asked(alice, server, ids_in, request):
    """Send a case to the server and check the answer."""
    numbers = count()

    def ask(case):
        if not case.meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters |= ids_in(case.path)
        if "Idempotency-Key" in case.headers and not case.meta.is_negative_at(ParameterLocation.HEADER):
            case.headers["Idempotency-Key"] = str(next(numbers))  # or all but the first were refused for that
        request.getfixturevalue("worker")  # now: what is there was made without one
        headers = {"Authorization": f"Bearer {alice.secret}"}
        left_off = LEFT_OFF_OF_FORMS if case.media_type == "multipart/form-data" else LEFT_OFF
        case.call_and_validate(base_url=server, headers=headers, excluded_checks=left_off, timeout=60)

    return ask


@plain.parametrize()
@bounded
def test_every_answer_is_as_promised(case, asked):
    asked(case)


@large.parametrize()
@bounded
def test_so_is_every_answer_to_what_asks_for_pictures(case, asked):
    asked(case)
