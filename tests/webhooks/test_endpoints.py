"""The API's doors to webhooks: who may hear of what, and whose secret signs it."""

import pytest
from django.utils import timezone

from tenants.models import AuditEvent, Scope
from tenants.services import issue_key
from tests.conftest import Api
from tests.webhooks.conftest import ROUTE
from webhooks.models import Delivery, Endpoint, Secret

PUBLIC = "https://93.184.216.34/hook"


def test_a_new_webhook_shows_its_secret_this_once(alice):
    made = alice.api.post(ROUTE, {"url": PUBLIC, "events": ["job.completed"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    shown = alice.api.get(f"{ROUTE}/{made.json()['id']}").json()
    assert made.json() == {**shown, "secret": made.json()["secret"]}
    assert (shown["url"], shown["events"], shown["status"]) == (PUBLIC, ["job.completed"], "enabled")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://user:secret@93.184.216.34/", "https://93.184.216.34:22/", "https://10.0.0.1/",
        "https://127.0.0.1/", "https://localhost/", "https://a.localhost/", "https://2130706433/", "https://0x7f000001/",
        "https://127.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://[64:ff9b::7f00:1]/",
        "https://169.254.169.254/latest", "https://no-such-host.invalid/", "ftp://93.184.216.34/", "example.com", "https://",
        "https://exa mple.com/", "https://93.184.216.34/" + "a" * 4096,
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_https_is_refused_in_one_text(alice, url):
    refused, other = (alice.api.post(ROUTE, {"url": each}) for each in (url, "https://192.168.0.1/"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_webhook_url")
    assert refused.json()["error"]["param"] == "url"
    assert refused.content == other.content
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        (f"{PUBLIC}#jobs", "url must have no # in it"),
        ("https://bücher.example/", "url must be spelled in ASCII: its host as xn--"),
        ("https://93.184.216.34/bücher", "anything else percent-encoded"),
    ],
)
def test_an_address_that_is_misspelt_is_refused_with_the_way_out(alice, url, rule):
    error = alice.api.post(ROUTE, {"url": url}).json()["error"]
    assert (error["code"], error["param"]) == ("invalid_webhook_url", "url")
    assert rule in error["message"]


def test_hosts_that_the_operator_names_may_be_private_and_without_tls(alice, settings):
    settings.WEBHOOK_HOSTS = ["receiver.lan", "127.0.0.1:9000"]
    answers = [alice.api.post(ROUTE, {"url": url}) for url in ("http://127.0.0.1:9000/", "http://127.0.0.1:9001/")]
    assert [answer.status_code for answer in answers] == [201, 400]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "url", "missing_required_parameter"),
        ({"url": 7}, "url", "invalid_type"),
        ({"url": PUBLIC, "events": ["job.exploded"]}, "events", "invalid_value"),
        ({"url": PUBLIC, "events": "job.started"}, "events", "invalid_type"),
        ({"url": PUBLIC, "events": [7]}, "events", "invalid_value"),
        ({"url": PUBLIC, "description": "a" * 201}, "description", "string_above_max_length"),
        ({"url": PUBLIC, "secret": "mine"}, "secret", "unknown_parameter"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(alice, fields, param, code):
    refused = alice.api.post(ROUTE, fields)
    assert refused.status_code == 400
    assert (refused.json()["error"]["param"], refused.json()["error"]["code"]) == (param, code)


def test_a_webhook_is_changed_disabled_and_enabled_again(alice):
    made = alice.api.post(ROUTE, {"url": PUBLIC}).json()
    own = f"{ROUTE}/{made['id']}"
    changed = alice.api.patch(own, {"events": ["job.started"], "status": "disabled"}, "application/json").json()
    assert (changed["status"], changed["events"]) == ("disabled", ["job.started"])
    assert alice.api.post(f"{own}/test").json()["error"]["code"] == "webhook_disabled"
    again = alice.api.patch(own, {"status": "enabled"}, content_type="application/json").json()
    assert (again["status"], again["disabled_at"], again["disabled_because"]) == ("enabled", None, "")


def test_an_address_is_changed_to_another_good_one_alone(alice):
    own = f"{ROUTE}/{alice.api.post(ROUTE, {'url': PUBLIC}).json()['id']}"
    refused = alice.api.patch(own, {"url": "https://10.0.0.1/"}, content_type="application/json")
    assert refused.json()["error"]["code"] == "invalid_webhook_url"
    assert alice.api.get(own).json()["url"] == PUBLIC


def test_a_deleted_webhook_is_gone_with_its_deliveries(alice):
    own = f"{ROUTE}/{alice.api.post(ROUTE, {'url': PUBLIC}).json()['id']}"
    alice.api.post(f"{own}/test")
    assert alice.api.delete(own).status_code == 204
    assert alice.api.get(own).status_code == 404
    assert not Delivery.objects.exists()
    assert not Secret.objects.exists()


def test_there_are_twenty_at_most(alice, charlie):
    answers = [alice.api.post(ROUTE, {"url": PUBLIC}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429]
    assert answers[-1].json()["error"]["code"] == "webhook_limit"
    assert charlie.api.post(ROUTE, {"url": PUBLIC}).status_code == 201


def test_a_rotated_secret_leaves_two_and_never_three(alice):
    made = alice.api.post(ROUTE, {"url": PUBLIC}).json()
    renewed, refused = (alice.api.post(f"{ROUTE}/{made['id']}/rotate") for _ in range(2))
    live = Secret.objects.order_by("-pk")
    assert [each.secret for each in live] == [renewed.json()["secret"], made["secret"]]
    assert [each.retires_at is None for each in live] == [True, False]
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "secret_already_rotated")
    assert f"from {live[1].retires_at:%Y-%m-%d %H:%M:%S} UTC on" in refused.json()["error"]["message"]


def test_once_the_one_before_has_retired_a_secret_is_rotated_again(alice):
    made = alice.api.post(ROUTE, {"url": PUBLIC}).json()
    alice.api.post(f"{ROUTE}/{made['id']}/rotate")
    Secret.objects.exclude(retires_at=None).update(retires_at=timezone.now())
    assert alice.api.post(f"{ROUTE}/{made['id']}/rotate").status_code == 200
    assert made["secret"] not in Secret.objects.values_list("secret", flat=True)


def test_the_secret_for_requests_is_made_once_and_rotated(alice, charlie):
    first, again = (alice.api.get(f"{ROUTE}/secret").json()["data"] for _ in range(2))
    assert (len(first), first) == (1, again)
    rotated = alice.api.post(f"{ROUTE}/secret/rotate").json()["data"]
    assert rotated[1]["secret"] == first[0]["secret"] != rotated[0]["secret"]
    assert charlie.api.get(f"{ROUTE}/secret").json()["data"][0]["secret"] not in str(rotated)


def test_another_tenants_webhook_looks_like_none(alice, charlie):
    own = f"{ROUTE}/{alice.api.post(ROUTE, {'url': PUBLIC}).json()['id']}"
    delivery = alice.api.post(f"{own}/test").json()["id"]
    posts = [f"{own}/rotate", f"{own}/test"]
    posts += [f"{start}/deliveries/{delivery}/replay" for start in (own, ROUTE)]
    answers = [charlie.api.post(path) for path in posts]
    answers += [
        charlie.api.patch(own, {"status": "disabled"}, content_type="application/json"),
        charlie.api.delete(own),
    ]
    answers += [charlie.api.get(path) for path in (own, f"{own}/deliveries", f"{ROUTE}/none")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[-1].content)}
    assert charlie.api.get(ROUTE).json()["data"] == charlie.api.get(f"{ROUTE}/deliveries").json()["data"] == []


def test_webhooks_want_the_scope_manage(alice):
    _, secret = issue_key(alice.tenant, "a reader", scopes=[Scope.READ, Scope.GENERATE, Scope.TRAIN])
    reader = Api(secret)
    for answer in (reader.get(ROUTE), reader.post(ROUTE, {"url": PUBLIC}), reader.get(f"{ROUTE}/secret")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "insufficient_scope")


def test_the_audit_tells_who_did_what(alice):
    own = f"{ROUTE}/{alice.api.post(ROUTE, {'url': PUBLIC}).json()['id']}"
    alice.api.patch(own, {"description": "for the shop"}, content_type="application/json")
    alice.api.post(f"{own}/rotate")
    alice.api.delete(own)
    acts = AuditEvent.objects.for_tenant(alice.tenant).filter(action__startswith="webhook.").order_by("pk")
    assert [act.action.partition(".")[2] for act in acts] == ["created", "changed", "secret_rotated", "deleted"]
    assert {act.actor for act in acts} == {alice.key.pk}


def test_webhooks_and_deliveries_are_paged(alice):
    ids = [alice.api.post(ROUTE, {"url": PUBLIC}).json()["id"] for _ in range(3)]
    page = alice.api.get(f"{ROUTE}?limit=2").json()
    assert ([row["id"] for row in page["data"]], page["has_more"]) == (ids[:0:-1], True)
    sent = [alice.api.post(f"{ROUTE}/{ids[0]}/test").json()["id"] for _ in range(3)]
    rest = alice.api.get(f"{ROUTE}/{ids[0]}/deliveries?after={sent[1]}").json()
    assert [row["id"] for row in rest["data"]] == [sent[0]]


def test_deliveries_are_listed_by_how_far_they_are(alice):
    own = f"{ROUTE}/{alice.api.post(ROUTE, {'url': PUBLIC}).json()['id']}"
    dead, _ = (alice.api.post(f"{own}/test").json()["id"] for _ in range(2))
    Delivery.objects.filter(pk=dead).update(state="dead", ended_at=timezone.now())
    for start in (ROUTE, own):
        shown = alice.api.get(f"{start}/deliveries?state=dead").json()["data"]
        assert [each["id"] for each in shown] == [dead]
    refused = alice.api.get(f"{ROUTE}/deliveries?state=lost").json()["error"]
    assert (refused["code"], refused["param"]) == ("invalid_value", "state")
