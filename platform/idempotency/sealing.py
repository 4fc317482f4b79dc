"""How is an answer kept that may show a secret? Encrypted with a key that is not in the database: made of the
Idempotency-Key, of which only a digest is there, and of the server's own secret."""

import base64
import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.utils.crypto import salted_hmac

from wire.errors import ApiError


def sealed(key: str, answer: bytes) -> bytes:
    """Return the answer as it is kept."""
    return _cipher(key).encrypt(answer)


def unsealed(key: str, kept: bytes | memoryview) -> Any:
    """Return what the kept answer said. Raises ApiError when the server's secret has been changed since."""
    try:
        return json.loads(_cipher(key).decrypt(bytes(kept)))
    except InvalidToken:
        message = "This was done, but its answer can no longer be read. Look at what it made; use a new key to repeat."
        raise ApiError(409, "idempotency_answer_lost", message, x_should_retry="false") from None


def _cipher(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac("idempotency.sealing", key, algorithm="sha256").digest()))
