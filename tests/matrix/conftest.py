"""One object of each kind of alice's, for the routes that name one."""

from collections.abc import Callable
from typing import Any

import pytest

from tenants.models import Membership, User
from tenants.services import issue_key
from tests.pictures import file_of, picture, upload
from webhooks.models import Delivery, Endpoint, Message
from webhooks.secrets import add_secret


@pytest.fixture
def objects(alice: Any, make_image: Callable[..., Any], shelve: Callable[..., Any]) -> dict[str, str]:
    """The id of one object of each kind, all of alice's."""
    image = make_image(alice)
    member = Membership.objects.create(tenant=alice.tenant, user=User.objects.create_user("emil@example.com"))
    invitation = alice.api.post("/api/v1/invitations", {"email": "frida@example.com"}).json()
    batch = alice.api.post("/api/v1/batches", {"specs": [{"prompt": "a kite"}]}).json()
    key, _ = issue_key(alice.tenant, "spare", scopes=["manage"])  # which whoever may manage may also rotate
    endpoint = Endpoint.objects.create(tenant=alice.tenant, url="https://example.com/hook")
    add_secret(alice.tenant.pk, endpoint)
    message = Message.objects.create(tenant=alice.tenant, type="webhook.test", subject=endpoint.pk)
    delivery = Delivery.objects.create(tenant=alice.tenant, message=message, endpoint=endpoint, url=endpoint.url)
    return {
        "webhook": endpoint.pk,
        "delivery": delivery.pk,
        "key": key.pk,
        "image": image.pk,
        "generation": image.job_id,
        "batch": batch["id"],
        "member": member.pk,
        "invitation": invitation["id"],
        "upload": upload(alice, file_of(picture())).json()["id"],
        "lora": shelve("grain", 1, tenant=alice.tenant).lora_id,
    }
