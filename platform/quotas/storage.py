"""How much does a tenant keep here, and is there room for more? Counted where the rows of its files come and go."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db.models import F, Model, QuerySet, Sum

from quotas.limits import EffectiveLimits, limits_of
from quotas.models import StorageUse, StoredFile
from quotas.refusals import Excess, storage_full
from tenants.models import Tenant


def check_room(tenant: Tenant, size_bytes: int = 1, *, limits: EffectiveLimits | None = None) -> None:
    """Raise ApiError unless the tenant may keep so many more bytes; by default, whether it may keep anything at all."""
    limits = limits or limits_of(tenant)
    if limits.storage_bytes is None:
        return
    excess = Excess("storage_bytes", limits.storage_bytes, used_bytes(tenant), size_bytes)
    if excess.left < size_bytes:
        raise storage_full(excess, limits.plan)


def used_bytes(tenant: Tenant) -> int:
    """Return how much the tenant keeps here."""
    known: int | None = StorageUse.objects.filter(tenant=tenant).values_list("bytes", flat=True).first()
    return counted(tenant.pk) if known is None else known


def counted(tenant_id: str) -> int:
    """Return how much the tenant keeps here, counted anew from its rows. One query for each kind."""
    return sum(sum_of(model, tenant_id) for model in stored_models())


def add_rows(tenant_id: str, rows: Iterable[Model]) -> None:
    """Count the files of these new rows, in the transaction that saves them. They are there: nothing is refused."""
    if size_bytes := sum(row.size_bytes for row in rows if isinstance(row, StoredFile)):
        add(tenant_id, size_bytes)


def add(tenant_id: str, size_bytes: int, *, most: int | None = None) -> bool:
    """Count a new file, in the transaction that has saved its row, and return whether all is within `most` bytes then.

    Nothing is counted when it is not. Whoever adds for one tenant waits for whoever adds before.
    """
    use = StorageUse.objects.filter(tenant=tenant_id)
    fitting = use if most is None else use.filter(bytes__lte=most - size_bytes)
    if fitting.update(bytes=F("bytes") + size_bytes):
        return True
    # Who is not known yet is counted from the rows, the new one among them.
    anew = {"bytes": lambda: counted(tenant_id)}
    first, is_new = StorageUse.objects.get_or_create(tenant_id=tenant_id, defaults=anew)
    if is_new:
        return most is None or first.bytes <= most
    return bool(fitting.update(bytes=F("bytes") + size_bytes))


def take(tenant: Tenant, size_bytes: int) -> None:
    """Count a file that a tenant brings, in the transaction that saves its row. Raises ApiError when it is too much."""
    limits = limits_of(tenant)
    if not add(tenant.pk, size_bytes, most=limits.storage_bytes):
        excess = Excess("storage_bytes", limits.storage_bytes or 0, used_bytes(tenant), size_bytes)
        raise storage_full(excess, limits.plan)


def remove(tenant_id: str, size_bytes: int) -> None:
    """Count a file no more, in the transaction that deletes its row."""
    StorageUse.objects.filter(tenant=tenant_id).update(bytes=F("bytes") - size_bytes)


@dataclass(frozen=True)
class Kept:
    """One stored file, as its tenant is told of it."""

    kind: str
    id: str
    size_bytes: int
    address: str


def stored_models() -> list[type[StoredFile]]:
    """Return the kinds of rows that have counted files, which the installed apps bring."""
    return [model for model in apps.get_models() if issubclass(model, StoredFile)]


def kinds(tenant: Tenant) -> dict[str, int]:
    """Return how many bytes the tenant keeps of each kind. One query for each."""
    return {name_of(model): sum_of(model, tenant.pk) for model in stored_models()}


def sum_of(model: type[StoredFile], tenant_id: str) -> int:
    """Return how many bytes the tenant's rows of this kind have, counted anew."""
    return _owned(model, tenant_id).aggregate(total=Sum("size_bytes"))["total"] or 0


def _owned(model: type[StoredFile], tenant_id: str) -> "QuerySet[StoredFile]":
    """Return the tenant's rows of this kind, which name it themselves or through what they are of."""
    owner = f"{model.owned_through}__tenant" if model.owned_through else "tenant"
    return model._default_manager.filter(**{owner: tenant_id})


def largest(tenant: Tenant, count: int) -> list[Kept]:
    """Return the tenant's largest files, the largest first. One query for each kind."""
    return sorted(_largest(tenant, count), key=lambda kept: (-kept.size_bytes, kept.id))[:count]


def _largest(tenant: Tenant, count: int) -> Iterator[Kept]:
    for model in stored_models():
        largest_first = _owned(model, tenant.pk).order_by("-size_bytes", "pk")
        for pk, size_bytes in largest_first.values_list("pk", "size_bytes")[:count]:
            yield Kept(name_of(model), pk, size_bytes, f"{model.address}{pk}" if model.address else "")


def name_of(model: type[StoredFile]) -> str:
    """Return what a kind of file is called: image, upload, lora_version."""
    return str(model._meta.verbose_name).lower().replace(" ", "_")
