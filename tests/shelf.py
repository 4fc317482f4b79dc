"""What do tests put on the shelf? LoRA files of a few bytes, made without torch, each with numbers of its own."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from loras.models import LoraVersion
from loras.services import register_lora
from tenants.models import Tenant, User
from tests.weights.broken_files import file_of, pair


def lora_file(number: int = 1, metadata: dict[str, str] | None = None, **layer: Any) -> Any:
    """Return a LoRA file whose every weight is this number."""
    header = pair(**layer)
    data = struct.pack("<e", number) * (max(each["data_offsets"][1] for each in header.values()) // 2)
    return file_of({"__metadata__": metadata, **header} if metadata else header, data)


def lora_at(path: Path, number: int = 1, **layer: Any) -> Path:
    """Write a LoRA file and return its path."""
    path.write_bytes(lora_file(number, **layer).read())
    return path


@pytest.fixture
def shelve(checkpoint: None) -> Callable[..., LoraVersion]:
    """Put a LoRA on the shelf, offered to every tenant or one's own, and return its version."""

    def put(name: str = "kites", number: int = 1, tenant: Tenant | None = None, **told: str) -> LoraVersion:
        return register_lora(lora_file(number), name, tenant=tenant, told=told)[0]

    return put


@pytest.fixture
def operator(db: None) -> Client:
    """An operator's browser."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga@example.com", "correct horse"))
    return browser
