"""What does an id look like?

`gen_01k9…`: a kind, then a ULID in lowercase Crockford base32. Ids sort by the time they were made, so one index serves
lookup and newest-first paging, and at least 64 random bits keep them unguessable. Those of one process always rise, so
that what was asked together is done, and listed, in the order in which it was asked.
"""

import re
import secrets
import threading
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
PATTERN = re.compile(rf"[a-z]+_[{ALPHABET}]{{{LENGTH}}}")


class _Numbers:
    """ULIDs that rise, within a millisecond and when the clock is put back too."""

    def __init__(self) -> None:
        self.last, self.lock = 0, threading.Lock()

    def next(self) -> int:
        """Return a number above all before."""
        with self.lock:
            fresh = int(time.time() * 1000) << 80 | secrets.randbits(80)
            self.last = fresh if fresh > self.last else self.last + 1 + secrets.randbits(64)
            return self.last


NUMBERS = _Numbers()


def new_id(kind: str) -> str:
    """Return a fresh id of this kind (ULID, github.com/ulid/spec)."""
    number = NUMBERS.next()
    return f"{kind}_" + "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def is_id(text: str, kind: str) -> bool:
    """Return whether the text has the form of an id of this kind."""
    return text.startswith(f"{kind}_") and PATTERN.fullmatch(text) is not None
