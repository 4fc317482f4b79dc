"""What does an id look like?

`gen_01k9…`: a kind, then a ULID in lowercase Crockford base32. Ids sort by the time they were made, so one index serves
lookup and newest-first paging, and 80 random bits keep them unguessable.
"""

import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
PATTERN = re.compile(rf"[a-z]+_[{ALPHABET}]{{{LENGTH}}}")


def new_id(kind: str) -> str:
    """Return a fresh id of this kind (ULID, github.com/ulid/spec)."""
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return f"{kind}_" + "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))


def is_id(text: str, kind: str) -> bool:
    """Return whether the text has the form of an id of this kind."""
    return text.startswith(f"{kind}_") and PATTERN.fullmatch(text) is not None
