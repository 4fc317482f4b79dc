"""Does what one door says hold behind the next? schemathesis follows the ids from answer to answer, as the document's
names and shapes show which belong together: what was made is there, and what was deleted is gone.

SCHEMA_EXAMPLES=100 follows so many chains, other ones each time.
"""

from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode

from tenants.services import issue_key, open_tenant
from tests.generation.giving import given, plain
from tests.matrix.test_document import EXAMPLES, LEFT_OFF, described

# Not keys and invitations: one that was deleted can still be read, and of keys alice's own would be among those.
CHAINED = r"^/api/v1/(generations|images|uploads|webhooks)"
# Chains that begin with a list are short.
LISTS = {"method": "GET", "path_regex": r"(generations|webhooks|deliveries)$"}
# What passes, new each time: what else may be said, test_document.py says.
MADE = {
    "/api/v1/generations": lambda number: {"prompt": f"kite {number}", "size": "64x64"},
    "/api/v1/uploads": lambda number: {"data": given(plain((number % 256, 0, 0)))},
    "/api/v1/webhooks": lambda number: {"url": f"https://hooks.test/{number}"},
}
# That much is reached however short the search is; without it, nothing would have been followed.
LEAST = {
    ("DELETE", "/api/v1/uploads/{id}", 204),
    ("DELETE", "/api/v1/webhooks/{id}", 204),
    ("GET", "/api/v1/generations/{id}", 200),
}


@pytest.fixture
def machine(alice, server, run_jobs, settings):
    """What follows chains, as a program of alice's, and notes how it was answered.

    hypothesis takes back what it tried and tries it again, so the same steps must be answered alike, whatever was done
    before and however fast: every chain has a tenant of its own, and what waits is done when somebody looks.
    """
    settings.WEBHOOK_HOSTS = ["hooks.test"]
    numbers, schema = count(), described().include(path_regex=CHAINED).exclude(**LISTS)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE])

    class Chains(schema.as_state_machine()):
        answered = set()

        def setup(self):
            self.secret = issue_key(open_tenant("A chain's", alice.user), "A chain's program")[1]

        def before_call(self, case):
            if case.method == "POST" and case.path in MADE:
                case.body, case.media_type = MADE[case.path](next(numbers)), "application/json"
            if "Idempotency-Key" in case.headers:
                case.headers["Idempotency-Key"] = str(next(numbers))
            case.headers.pop("Prefer", None)  # nobody works meanwhile
            if case.method == "GET":
                run_jobs()

        def get_call_kwargs(self, case):
            return {"base_url": server, "headers": {"Authorization": f"Bearer {self.secret}"}, "timeout": 60}

        def validate_response(self, response, case, additional_checks=None, **kwargs):
            self.answered.add((case.method, case.path, response.status_code))
            told = {"transport_kwargs": kwargs, "recorder": self.recorder}
            case.validate_response(response, excluded_checks=LEFT_OFF, **told)

    return Chains


def test_what_one_door_says_holds_behind_the_next(machine):
    bounded = settings(
        max_examples=EXAMPLES or 25,
        stateful_step_count=8,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.run(settings=bounded)
    assert machine.answered >= LEAST
