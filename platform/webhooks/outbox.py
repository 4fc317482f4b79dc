"""What is to be told of? It is written down in the transaction in which it happens, and sent after that."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from webhooks.models import Delivery, Endpoint, Message


@dataclass(frozen=True)
class Happening:
    """Something that a tenant's programs may want to hear of; `url` is an address that the request itself named."""

    tenant_id: str
    type: str
    subject: str
    url: str = ""
    url_events: Sequence[str] = ()

    @property
    def concerns_url(self) -> bool:
        """Return whether the address that the request named wants to hear of it: `started` means `job.started`."""
        return bool(self.url) and (not self.url_events or self.type.rpartition(".")[2] in self.url_events)


def record(happenings: Sequence[Happening]) -> None:
    """Write down what happens, for every endpoint that wants to hear of it.

    One query where nobody does, three in all for many happenings; SQLite takes some ninety rows in a statement.
    """
    if not happenings:
        return
    tenants = {happening.tenant_id for happening in happenings}
    endpoints = list(Endpoint.objects.filter(tenant__in=tenants, disabled_at=None))
    deliveries = [delivery for happening in happenings for delivery in _deliveries(happening, endpoints)]
    if deliveries:
        Message.objects.bulk_create(list({delivery.message_id: delivery.message for delivery in deliveries}.values()))
        Delivery.objects.bulk_create(deliveries)


def address(message: Message, url: str, endpoint: Endpoint | None = None) -> Delivery:
    """Return a message's way to one address, not stored yet."""
    # Addresses that requests name may differ with each: what is slow or dead is their server.
    lane = endpoint.pk if endpoint else f"{message.tenant_id} {urlsplit(url).netloc}"
    return Delivery(tenant_id=message.tenant_id, message=message, endpoint=endpoint, url=url, lane=lane[:300])


def _deliveries(happening: Happening, endpoints: Sequence[Endpoint]) -> Iterator[Delivery]:
    message = Message(tenant_id=happening.tenant_id, type=happening.type, subject=happening.subject)
    for endpoint in endpoints:
        if endpoint.tenant_id == happening.tenant_id and endpoint.wants(happening.type):
            yield address(message, endpoint.url, endpoint)
    if happening.concerns_url:
        yield address(message, happening.url)
