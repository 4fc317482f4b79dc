"""What does a tenant own? One object of each kind, with one word in every text that somebody can choose."""

from collections.abc import Callable, Iterator
from typing import Any

from generation.models import GenerationJob
from loras.models import Lora
from tenants.models import ApiKey, Invitation, Membership, Tenant, User
from tenants.row_security import owned_models
from tests.pictures import file_of, picture, upload, with_chunk
from webhooks.models import Delivery, Endpoint, Message
from webhooks.secrets import add_secret
from wire.ids import is_id

SECRET_COLUMNS = ("digest", "sha256", "secret", "file_sha256")


class Estate:
    """All that a person's tenant owns, by kind, and what nobody else may read of it."""

    def __init__(self, person: Any, word: str, *, seed: int) -> None:
        self.person, self.word, self.seed = person, word, seed
        self.ids: dict[str, str] = {}

    def furnish(self, make_image: Callable[..., Any], shelve: Callable[..., Any]) -> "Estate":
        """Make one object of each kind, by the API where that takes any text."""
        texts = {"prompt": f"{self.word} a kite", "negative_prompt": self.word, "seed": self.seed}
        image = make_image(self.person, **texts)
        self.ids |= {"image": image.pk, "generation": image.job_id}
        again = {"HTTP_IDEMPOTENCY_KEY": "-".join(self.word.split())}
        self._made("batch", "/api/v1/batches", {"specs": [texts]}, **again)
        self._made("quote", "/api/v1/quotes", texts)
        self._made("key", "/api/v1/keys", {"name": self.word, "scopes": ["manage"]})
        self._made("invitation", "/api/v1/invitations", {"email": "frida@example.com"})
        self._give_picture()
        self._invite_and_listen()
        self.ids["lora"] = shelve("grain", self.seed, tenant=self.person.tenant, description=self.word).lora_id
        self._rename()
        return self

    def _made(self, kind: str, route: str, said: dict[str, Any], **headers: str) -> None:
        answer = self.person.api.post(route, said, **headers)
        assert answer.status_code < 300, answer.content
        self.ids[kind] = answer.json()["id"]

    def _give_picture(self) -> None:
        given = with_chunk(file_of(picture(seed=self.seed)), b"tEXt", b"Comment\0" + self.word.encode())
        self.ids["upload"] = upload(self.person, given).json()["id"]

    def _invite_and_listen(self) -> None:
        tenant = self.person.tenant
        user = User.objects.create_user(f"emil-{self.seed}@example.com")
        self.ids["member"] = Membership.objects.create(tenant=tenant, user=user).pk
        url = f"https://example.com/{self.word}"
        endpoint = Endpoint.objects.create(tenant=tenant, url=url, description=self.word, disabled_because=self.word)
        add_secret(tenant.pk, endpoint)
        message = Message.objects.create(tenant=tenant, type="webhook.test", subject=endpoint.pk, body=self.word)
        delivery = Delivery.objects.create(tenant=tenant, message=message, endpoint=endpoint, url=url)
        self.ids |= {"webhook": endpoint.pk, "delivery": delivery.pk}

    def _rename(self) -> None:
        """Put the word where the API would refuse some words, so that pages cannot rely on that."""
        tenant = self.person.tenant
        Tenant.objects.filter(pk=tenant.pk).update(name=self.word)
        Lora.objects.filter(pk=self.ids["lora"]).update(name=self.word[:60], description=self.word)
        User.objects.filter(memberships=self.ids["member"]).update(email=self.word)
        Invitation.objects.filter(pk=self.ids["invitation"]).update(email=self.word)
        ApiKey.objects.filter(pk=self.person.key.pk).update(name=self.word)
        queued = GenerationJob.objects.for_tenant(tenant).filter(status="queued").first()
        GenerationJob.objects.filter(pk=queued.pk).update(status="failed", error_code="x", error_message=self.word)

    def secrets(self) -> set[str]:
        """Return the word, and every id, digest and secret of every row of the tenant's, down to the smallest."""
        return {self.word, *(text for row in self._rows() for text in _telling(row))}

    def _rows(self) -> Iterator[Any]:
        for model, _ in owned_models():
            owner = getattr(model, "owned_through", "")
            through = "pk" if model is Tenant else f"{owner}__tenant" if owner else "tenant"
            yield from model._default_manager.filter(**{through: self.person.tenant.pk})


def _telling(row: Any) -> Iterator[str]:
    for field in row._meta.concrete_fields:
        value = field.value_from_object(row)
        kind = str(value).partition("_")[0]
        is_own = isinstance(value, str) and (field.name in SECRET_COLUMNS or (field.primary_key and is_id(value, kind)))
        if is_own and len(value) > 12:
            yield value
