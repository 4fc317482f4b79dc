"""For whom does this thread or request speak to the database? On PostgreSQL, row-level security holds it to that.

The second net: every query names its tenant anyway. A process speaks for everybody until it is told otherwise (workers,
the scheduler, commands); a request speaks for nobody until its caller is known.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from wire.ids import is_id

EVERYBODY = "*"
NOBODY = ""

_speaking_for: ContextVar[str] = ContextVar("speaking_for", default=EVERYBODY)


def speaking_for() -> str:
    """Return the id of the tenant whose rows may be seen now, EVERYBODY or NOBODY."""
    return _speaking_for.get()


def speak_for(whom: str) -> None:
    """Speak for this tenant, EVERYBODY or NOBODY from now on, in this request."""
    if whom not in (EVERYBODY, NOBODY) and not is_id(whom, "ten"):
        raise ValueError(f"{whom!r} is no tenant")
    _speaking_for.set(whom)


@contextmanager
def for_everybody() -> Iterator[None]:
    """Look across tenants for a moment: whose key is this, in which tenants is this user?"""
    token = _speaking_for.set(EVERYBODY)
    try:
        yield
    finally:
        _speaking_for.reset(token)
