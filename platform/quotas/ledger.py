"""What does a job hold reserved, and what is it charged? Reserved when it is accepted, settled once when it ends."""

from collections.abc import Sequence
from dataclasses import dataclass

from tenants.models import Tenant


@dataclass(frozen=True)
class Reservation:
    """The most that a job may come to."""

    job_id: str
    ms: int
    images: int
    key_id: str = ""


@dataclass(frozen=True)
class Charge:
    """What a job has come to."""

    job_id: str
    ms: int
    images: int


def reserve(tenant: Tenant, reservations: Sequence[Reservation]) -> None:
    """Reserve for new jobs of a tenant, all or none, in the transaction that makes them. Raises ApiError."""


def settle(tenant_id: str, charges: Sequence[Charge]) -> None:
    """Let go of what these jobs hold reserved and charge them, in the transaction that ends them."""
