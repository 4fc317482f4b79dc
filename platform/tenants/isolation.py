"""For whom does this thread or request speak to the database? On PostgreSQL, row-level security holds it to that.

The second net: every query names its tenant anyway. A process speaks for everybody until it is told otherwise (workers,
the scheduler, commands); a request speaks for nobody until its caller is known.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EVERYBODY = "*"
NOBODY = ""

_speaking_for: ContextVar[str] = ContextVar("speaking_for", default=EVERYBODY)


def speaking_for() -> str:
    """Return the id of the tenant whose rows may be seen now, EVERYBODY or NOBODY."""
    return _speaking_for.get()


def speak_for(tenant_id: str) -> None:
    """Speak for this tenant from now on, in this request."""
    _speaking_for.set(tenant_id)


@contextmanager
def for_everybody() -> Iterator[None]:
    """Look across tenants for a moment: whose key is this, in which tenants is this user?"""
    token = _speaking_for.set(EVERYBODY)
    try:
        yield
    finally:
        _speaking_for.reset(token)
