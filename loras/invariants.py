"""What must hold of LoRAs and their files at any moment?"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import storages

from loras.models import LoraVersion
from loras.storage import orphans
from wire.invariants import Invariant

LOOK_BACK = timedelta(hours=25)  # chores may not have run for a day


def _file_is_not_as_recorded() -> Iterator[str]:
    store = storages["weights"]
    for version in LoraVersion.objects.select_related("lora").iterator():
        if not store.exists(version.blob):
            yield f"{version.pk} ({version}) has lost its file"
            continue
        with store.open(version.blob) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != version.sha256:
                yield f"{version.pk} ({version}) has another file than was stored"


def _orphan_is_old() -> Iterator[str]:
    yield from (f"{key} belongs to no LoRA" for key in orphans(LOOK_BACK))


INVARIANTS = [
    Invariant("I8", "every LoRA version has its file, byte for byte", _file_is_not_as_recorded),
    Invariant("I9", "no LoRA file is without its version for long", _orphan_is_old),
]
