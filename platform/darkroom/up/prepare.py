"""What must be in place before the first process starts? Tables, collected static files, example weights."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections

from loras.installing import install_checkpoint, install_controlnet
from loras.services import register_lora

STAMP = "static.stamp"
EXAMPLES_STAMP = "examples.stamp"


def migrate() -> None:
    """Bring the database's tables up to date."""
    call_command("migrate", interactive=False, verbosity=0)


def collect_static(home: Path) -> None:
    """Gather, hash and compress the pages' files, unless that was done for just these files."""
    stamp = home / STAMP
    wanted = _fingerprint()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(wanted)


def shelve_examples(home: Path) -> None:
    """Put what came with the embedded checkpoint on the shelf, once: what an operator removes stays away."""
    stamp, family = home / EXAMPLES_STAMP, settings.ROOT / "checkpoints"
    if stamp.exists() or Path(settings.CHECKPOINT).resolve() != family / "mini":
        return
    for file in sorted((family / "loras").glob("*-kohya.safetensors")):
        with file.open("rb") as opened:
            register_lora(opened, file.stem.removesuffix("-kohya"), told={"license": "Apache-2.0"})
    for name in ("mini-canny", "mini-scribble"):
        install_controlnet(str(family / name))
    install_checkpoint(str(family / "mini-refiner"))
    stamp.touch()


def disconnect() -> None:
    """Close our connections to the database: the supervisor only waits from now on."""
    connections.close_all()


def _fingerprint() -> str:
    """Return a digest that changes with any static file: looking takes milliseconds, collecting takes seconds."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            stat = Path(storage.path(name)).stat()
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
