"""Does anything of one tenant reach another? Each of its texts, ids, digests and secrets is looked for everywhere."""

import io
import zipfile

import pytest
from django.core import mail

from tests.isolation.estate import Estate
from tests.isolation.walking import body_of, every_answer, head_of, overheard
from wire.ids import new_id

CANARY, OWN = "c4n4ry7f3e9d21 of charlie", "0wn5a1c7e0b943 of alice"


@pytest.fixture
def estates(alice, charlie, make_image, shelve):
    """All that alice owns and all that charlie does, so that each has whatever there is."""
    return Estate(alice, OWN, seed=11).furnish(make_image, shelve), Estate(charlie, CANARY, seed=12).furnish(
        make_image, shelve
    )


def found(secrets: set[str], text: bytes) -> list[str]:
    return [secret for secret in secrets if secret.encode() in text]


def unpacked(content: bytes) -> bytes:
    """Return what lies in an archive, nothing for every other answer."""
    if not content.startswith(b"PK"):
        return b""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(archive.read(name) + name.encode() for name in archive.namelist())


def test_no_answer_holds_anything_of_another_tenants(estates):
    own, other = estates
    secrets = other.secrets()
    assert len(secrets) > 30
    mail.outbox.clear()
    own_words = 0
    with overheard() as lines:
        for path, answer, body in every_answer(own):
            text = head_of(answer) + body + unpacked(body)
            assert answer.status_code < 500, path
            assert found(secrets, text) == [], path
            own_words += own.word.encode() in text
    assert found(secrets, "\n".join(lines).encode()) == []
    assert own_words > 20  # the same look finds what is one's own


def test_the_prompt_of_nobody_is_logged(estates):
    own, _ = estates
    with overheard() as lines:
        own.person.api.post("/api/v1/generations", {"prompt": own.word})
        own.person.api.post("/api/v1/generations", {"prompt": own.word, "steps": "many"})
    assert [line for line in lines if own.word in line] == []


NAMING = {
    "lora by id": ("/api/v1/generations", "lora", lambda id: {"prompt": "a kite", "loras": [{"id": id}]}),
    "init image": ("/api/v1/generations", "upload", lambda id: {"prompt": "a kite", "init_image": id}),
    "generated image": ("/api/v1/generations", "image", lambda id: {"prompt": "a kite", "init_image": id}),
    "control image": (
        "/api/v1/generations",
        "upload",
        lambda id: {"prompt": "a kite", "controls": [{"name": "canny", "image": id}]},
    ),
    "mask": ("/api/v1/generations", "upload", lambda id: {"prompt": "a kite", "init_image": id, "mask": id}),
    "quote": ("/api/v1/generations", "quote", lambda id: {"prompt": "a kite", "quote": id}),
    "webhook": ("/api/v1/generations", "webhook", lambda id: {"prompt": "a kite", "webhook": {"id": id}}),
    "batch spec": ("/api/v1/batches", "upload", lambda id: {"specs": [{"prompt": "a kite", "init_image": id}]}),
    "batch lora": ("/api/v1/batches", "lora", lambda id: {"specs": [{"prompt": "a", "loras": [{"id": id}]}]}),
    "quoted": ("/api/v1/quotes", "upload", lambda id: {"prompt": "a kite", "init_image": id}),
    "key limit": ("/api/v1/keys", "lora", lambda id: {"name": "spare", "scopes": ["read"], "loras": [id]}),
    "page": ("/", "upload", lambda id: {"prompt": "a kite", "init_image": id}),
}


@pytest.mark.parametrize("name", sorted(NAMING))
def test_what_is_named_in_a_body_is_missing_if_another_has_it(name, estates):
    own, other = estates
    route, kind, said = NAMING[name]
    theirs, nobodys = other.ids[kind], new_id(other.ids[kind].partition("_")[0])
    answers = [own.person.api.post(route, said(id)) for id in (theirs, nobodys)]
    assert 400 <= answers[0].status_code < 500
    alike = [each.content.replace(id.encode(), b"ID") for each, id in zip(answers, (theirs, nobodys), strict=True)]
    assert answers[0].status_code == answers[1].status_code
    assert alike[0] == alike[1]


FILTERS = ["generations?batch={batch}", "usage?key={key}", "usage?lora={lora}", "audit?actor={key}",
           "generations?after={generation}", "batches?after={batch}", "keys?after={key}", "webhooks?after={webhook}",
           "members?after={member}", "invitations?after={invitation}",
           "webhooks/deliveries?after={delivery}"]  # fmt: skip


@pytest.mark.parametrize("query", FILTERS)
def test_what_is_named_in_a_query_finds_nothing_of_another(query, estates):
    own, other = estates
    answer = own.person.api.get("/api/v1/" + query.format(**other.ids))
    assert answer.status_code < 500
    named = set(other.ids.values())
    assert found(other.secrets() - named, head_of(answer) + body_of(answer)) == []
