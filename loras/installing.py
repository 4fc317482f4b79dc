"""How do a checkpoint and a ControlNet get onto the shelf? Where the worker sees them, looked at and not copied."""

from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction

from loras.models import Checkpoint, ControlNet, named
from loras.services import absolute, controlnet_wishes, make_default, name_of, place_checkpoint
from loras.weights.errors import CheckpointUnusable
from loras.weights.sources import read_checkpoint, read_controlnet


def install_checkpoint(source: str, name: str = "", *, default: bool = False) -> tuple[Checkpoint, bool]:
    """Put a checkpoint on the shelf; return it and whether it is new there. Raises CheckpointUnusable."""
    facts = read_checkpoint(source)
    if default and facts.kind == "refiner":
        raise CheckpointUnusable(f"{source} is a refiner: it finishes pictures and cannot be the default.")
    source = absolute(source)
    name = checked(name or name_of(source))
    with transaction.atomic():
        checkpoint, is_new = place_checkpoint(source, name, kind=facts.kind, context_width=facts.context_width)
        if default:
            make_default(checkpoint)
    return checkpoint, is_new


def install_controlnet(folder: str, name: str = "", kind: str = "") -> tuple[ControlNet, bool]:
    """Put a ControlNet on the shelf; return it and whether it is new there. Raises CheckpointUnusable."""
    path = Path(folder).resolve()
    facts = read_controlnet(path)
    name = checked(name or path.name)
    told = {"source": str(path), "sha256": facts.sha256, "context_width": facts.context_width}
    told["kind"] = kind or guessed_kind(f"{path.name} {name}")
    # What the folder wishes is a beginning, as with checkpoints.
    return ControlNet.objects.update_or_create(
        name=name, defaults=told, create_defaults=controlnet_wishes(str(path)) | told
    )


def guessed_kind(name: str) -> str:
    """Return the kind that a ControlNet's name gives away."""
    plain = name.lower().replace("_", "").replace("-", "").replace("pose", "openpose")
    return next((kind for kind in ControlNet.Kind.values if kind in plain), ControlNet.Kind.OTHER)


def checked(name: str) -> str:
    """Return a name that requests can say. Raises CheckpointUnusable."""
    try:
        named(name[:200])
    except ValidationError as error:
        raise CheckpointUnusable(
            f"{name[:200]!r} cannot be a name: {error.message} Give another with --name."
        ) from error
    if len(name) > 100:
        raise CheckpointUnusable("A name has at most 100 characters. Give another with --name.")
    return name
