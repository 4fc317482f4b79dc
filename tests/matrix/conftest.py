"""Objects of each kind of alice's, for the routes that name one."""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from tenants.models import Membership, User
from tenants.services import issue_key
from tests.pictures import file_of, picture, upload
from webhooks.models import Delivery, Endpoint, Message
from webhooks.secrets import add_secret

Ids = dict[str, str]


@pytest.fixture
def fresh(alice: Any, make_image: Callable[..., Any], shelve: Callable[..., Any]) -> dict[str, Callable[[], Ids]]:
    """What makes an object of each kind, and returns its id with those of what comes with it."""
    numbers = count(1)

    def image() -> Ids:
        made = make_image(alice, size="64x64")
        return {"image": made.pk, "generation": made.job_id}

    def member() -> Ids:
        user = User.objects.create_user(f"emil-{next(numbers)}@example.com")
        return {"member": Membership.objects.create(tenant=alice.tenant, user=user).pk}

    def invitation() -> Ids:
        asked = {"email": f"frida-{next(numbers)}@example.com"}
        return {"invitation": alice.api.post("/api/v1/invitations", asked).json()["id"]}

    def batch() -> Ids:
        return {"batch": alice.api.post("/api/v1/batches", {"specs": [{"prompt": "a kite"}]}).json()["id"]}

    def key() -> Ids:
        return {"key": issue_key(alice.tenant, "spare", scopes=["manage"])[0].pk}  # which whoever manages may rotate

    def given() -> Ids:
        return {"upload": upload(alice, file_of(picture())).json()["id"]}

    def webhook() -> Ids:
        endpoint = Endpoint.objects.create(tenant=alice.tenant, url="https://example.com/hook")
        add_secret(alice.tenant.pk, endpoint)
        message = Message.objects.create(tenant=alice.tenant, type="webhook.test", subject=endpoint.pk)
        delivery = Delivery.objects.create(tenant=alice.tenant, message=message, endpoint=endpoint, url=endpoint.url)
        return {"webhook": endpoint.pk, "delivery": delivery.pk}

    return {
        "image": image,
        "generation": image,
        "member": member,
        "invitation": invitation,
        "batch": batch,
        "key": key,
        "upload": given,
        "webhook": webhook,
        "delivery": webhook,
        "lora": lambda: {"lora": shelve("grain", 1, tenant=alice.tenant).lora_id},
    }


@pytest.fixture
def objects(fresh: dict[str, Callable[[], Ids]]) -> Ids:
    """The id of one object of each kind, all of alice's."""
    return {kind: made for make in dict.fromkeys(fresh.values()) for kind, made in make().items()}
