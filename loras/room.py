"""Has a tenant room for a LoRA of its own? The operator's, which every tenant may use, count for nobody."""

from loras.models import Lora, LoraVersion
from quotas import storage
from quotas.limits import limits_of
from quotas.refusals import Excess, no_place
from tenants.models import Tenant


def take_place(tenant: Tenant | None, version: LoraVersion, *, is_more: bool) -> None:
    """Count a new version, and the LoRA that it is the first of, in the transaction that saves them. Raises ApiError.

    The bytes are counted first: that lets one file of a tenant in at a time.
    """
    if tenant is None:
        return
    storage.take(tenant, version.size_bytes)
    limits = limits_of(tenant)
    offered = count_own(tenant.pk)
    if is_more and limits.loras is not None and offered > limits.loras:
        raise no_place(Excess("loras", limits.loras, offered - 1, 1), limits.plan)


def count_own(tenant_id: str) -> int:
    """Return how many LoRAs of its own a tenant has on the shelf."""
    return Lora.objects.filter(tenant=tenant_id, withdrawn_at=None).count()
