"""What must hold of the audit at any moment? That nobody has changed what it says, or taken anything out."""

from collections.abc import Iterator

from tenants.audit import seal
from tenants.models import AuditChain, AuditEvent
from wire.invariants import Invariant


def _unlike_sealed() -> Iterator[str]:
    audited = set(AuditEvent.objects.order_by().values_list("tenant", flat=True).distinct())
    chains = list(AuditChain.objects.order_by("owner"))
    for tenant_id in audited - {chain.tenant_id for chain in chains}:
        yield f"the audit of {tenant_id or 'nobody'} has lost its end: rows may be missing there"
    for chain in chains:
        yield from _breaks(chain)


def _breaks(chain: AuditChain) -> Iterator[str]:
    whose = chain.owner or "nobody"
    follows, before = 1, ""
    # What came since the chain's end was read is for the next look.
    events = AuditEvent.objects.filter(tenant=chain.tenant_id, number__lte=chain.number)
    for event in events.order_by("number").iterator():
        if event.number > follows:
            yield _gone(whose, follows, event.number - 1)
        elif event.digest != seal(event, before):
            yield f"{event.pk}, number {event.number} in the audit of {whose}, was changed"
        follows, before = event.number + 1, event.digest
    if follows <= chain.number:
        yield _gone(whose, follows, chain.number)
    elif before != chain.digest:
        yield f"the audit of {whose} ends otherwise than it was sealed, at number {chain.number}"


def _gone(whose: str, first: int, last: int) -> str:
    numbers = f"number {first} is" if first == last else f"numbers {first} to {last} are"
    return f"{numbers} gone from the audit of {whose}"


INVARIANTS = [Invariant("I34", "nothing in the audit was changed or taken out", _unlike_sealed)]
