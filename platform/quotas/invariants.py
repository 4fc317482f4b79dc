"""What must hold of the ledger, of the sums that are kept of it, and of what is counted as kept, at any moment?"""

from collections import Counter
from collections.abc import Iterator
from datetime import date

from django.db.models import Exists, OuterRef, Sum

from quotas.models import LedgerEntry, Spending, StorageUse
from quotas.periods import month_begin
from quotas.storage import counted
from wire.invariants import Invariant

COLUMNS = ("reserved_images", "spent_images", "reserved_ms", "spent_ms")
# Whose, which period, beginning when, which column.
Place = tuple[str, str, date, str]


def _sums_differ() -> Iterator[str]:
    """The ledger is added up day by day, not entry by entry."""
    summed, kept = _summed(), _kept()
    for place in sorted(summed.keys() | kept.keys()):
        if summed[place] != kept[place]:
            tenant, period, starts_on, column = place
            yield f"{column} of {tenant}'s {period} from {starts_on} is {kept[place]}; its ledger says {summed[place]}"


def _summed() -> "Counter[Place]":
    """Return what the ledger says: a reservation counts until it is settled."""
    entries = LedgerEntry.objects.order_by()
    reserved = entries.filter(kind=LedgerEntry.Kind.RESERVE)
    settled = entries.filter(kind=LedgerEntry.Kind.SETTLE)
    held = reserved.exclude(Exists(settled.filter(job_id=OuterRef("job_id"))))
    sums: Counter[Place] = Counter()
    for kind, rows in (("reserved", held), ("spent", settled)):
        for row in rows.values("tenant", "day").annotate(images=Sum("images"), ms=Sum("ms")):
            tenant, day = row["tenant"], row["day"]
            for period in ((tenant, "day", day), (tenant, "month", month_begin(day))):
                sums[*period, f"{kind}_images"] += row["images"]
                sums[*period, f"{kind}_ms"] += row["ms"]
    return sums


def _kept() -> "Counter[Place]":
    """Return what is kept of it."""
    return Counter(
        {
            (row.tenant_id, row.period, row.starts_on, column): getattr(row, column)
            for row in Spending.objects.iterator()
            for column in COLUMNS
        }
    )


def _settled_beyond() -> Iterator[str]:
    """Whoever reserves within a limit and is charged no more than that never exceeds it."""
    for settled in LedgerEntry.objects.filter(kind=LedgerEntry.Kind.SETTLE).iterator():
        held = LedgerEntry.objects.filter(job_id=settled.job_id, kind=LedgerEntry.Kind.RESERVE).first()
        if held is None or (held.tenant_id, held.day) != (settled.tenant_id, settled.day):
            yield f"{settled.job_id} was charged for what it had not reserved"
        elif settled.ms > held.ms or settled.images > held.images:
            yield f"{settled.job_id} was charged {settled.ms} ms of {held.ms}, {settled.images} images of {held.images}"


def _storage_differs() -> Iterator[str]:
    for use in StorageUse.objects.iterator():
        if use.bytes != (actual := counted(use.tenant_id)):
            yield f"{use.tenant_id} is said to keep {use.bytes} bytes, and keeps {actual}"


INVARIANTS = [
    Invariant("I5", "what is kept of days and months is the sum of the ledger", _sums_differ),
    Invariant("I6", "no job is charged more than it had reserved within its tenant's limits", _settled_beyond),
    Invariant("I6", "what a tenant is said to keep is the sum of its files", _storage_differs),
]
