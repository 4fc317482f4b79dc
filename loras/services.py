"""The verbs of the shelf."""

import json
from pathlib import Path
from typing import Any

from django.db import transaction

from loras.models import Checkpoint

LATENT_PIXELS = 8  # SDXL's VAE makes one latent of 8 x 8 pixels
DEFAULT_FIELDS = ("width", "height", "steps", "guidance_scale", "scheduler")


def shelve_checkpoint(source: str) -> Checkpoint:
    """Put a checkpoint on the shelf as the one that workers load, and return its row.

    A folder may say in `darkroom.json` how it wants to be called and used: {name, title, defaults: {width, ...}}.
    """
    card = _card(source)
    wishes = {name: value for name, value in card.get("defaults", {}).items() if name in DEFAULT_FIELDS}
    with transaction.atomic():
        Checkpoint.objects.filter(is_default=True).update(is_default=False)
        checkpoint, _ = Checkpoint.objects.update_or_create(
            name=card.get("name") or Path(source).name.removesuffix(".safetensors"),
            defaults={"source": source, "title": card.get("title", ""), "is_default": True, **wishes},
        )
    return checkpoint


def default_checkpoint() -> Checkpoint | None:
    """Return the checkpoint that workers load, None before the first one is shelved."""
    return Checkpoint.objects.filter(is_default=True).first()


def _card(source: str) -> dict[str, Any]:
    """Return what a checkpoint folder says of itself: in its own words, or by the size its UNet was made for."""
    if (card := Path(source) / "darkroom.json").is_file():
        return dict(json.loads(card.read_text()))
    if (unet := Path(source) / "unet" / "config.json").is_file():
        side = json.loads(unet.read_text())["sample_size"] * LATENT_PIXELS
        return {"defaults": {"width": side, "height": side}}
    return {}
