"""Does it work? The very first start asks for one picture, as any client would, and keeps it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from darkroom.up.client import Client

FILE = "first.png"
FINAL = ("succeeded", "failed", "cancelled")
POLL_SECONDS = 0.1
PROMPT = "a red apple on a white background"


class NoPicture(Exception):
    """The job ended without a picture."""


def finished(client: Client, job: dict[str, Any], pause: Callable[[float], None]) -> dict[str, Any]:
    """Return the job once it has succeeded. Raises NoPicture."""
    while job["status"] not in FINAL:
        pause(POLL_SECONDS)
        job = client.generation(job["id"])
    if job["status"] != "succeeded":
        raise NoPicture(f"{job['id']} {job['status']}: {(job['error'] or {}).get('message', '')}")
    return job


def make_first_picture(client: Client, home: Path, pause: Callable[[float], None]) -> None:
    """Make a picture and keep it. Raises NoPicture."""
    job = finished(client, client.request_generation(prompt=PROMPT, seed=1), pause)
    draft = home / f"{FILE}.new"
    draft.write_bytes(client.content(job["images"][0]["id"]))
    draft.replace(home / FILE)
