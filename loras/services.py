"""The verbs of the shelf: put a checkpoint or a LoRA on it, take a LoRA off."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from loras import storage
from loras.models import NAME, Checkpoint, Lora, LoraVersion
from loras.presets import NoSuchPreset, PresetUnfit, preset_in, read_presets
from loras.room import take_place
from loras.weights.content import Hashes, hashes_of, refuse_non_finite
from loras.weights.errors import CheckpointUnusable, LoraUnusable
from loras.weights.hints import Hints, hints_of
from loras.weights.lora_file import read_lora_file
from loras.weights.sources import content_of, read_checkpoint
from quotas.storage import check_room, remove
from tenants.models import Tenant

LATENT_PIXELS = 8  # SDXL's VAE makes one latent of 8 x 8 pixels
CARD = "darkroom.json"  # where a checkpoint's folder says what it wants
DEFAULT_FIELDS = ("width", "height", "steps", "guidance_scale", "scheduler")
WORDS_CHARS = 1000  # of a LoRA's trigger words
MAX_LORA_BYTES = 2 * 1024**3  # rank 256 on every layer of SDXL, in fp16, has 1.7 GB


def shelve_checkpoint(source: str) -> Checkpoint:
    """Put a checkpoint that a worker has loaded on the shelf as the default, and return its row.

    Raises CheckpointUnusable where what it says of itself cannot be kept.
    """
    known = {}
    with suppress(CheckpointUnusable):  # the worker knows better; this only looks for what can be told beforehand
        known["context_width"] = read_checkpoint(source).context_width
    with transaction.atomic():
        checkpoint, _ = place_checkpoint(source, name_of(source), **known)
        make_default(checkpoint)
    return checkpoint


def place_checkpoint(source: str, name: str, **facts: Any) -> tuple[Checkpoint, bool]:
    """Write a checkpoint's row, and return it and whether it is new.

    A folder may say in `darkroom.json` how it wants to be called and used: {name, title, defaults: {width, ...},
    presets: [{name, steps, ...}]}. Raises CheckpointUnusable for presets that nobody could use.
    """
    card = _card(source)
    wishes = {field: value for field, value in card.get("defaults", {}).items() if field in DEFAULT_FIELDS}
    told = {"source": absolute(source), **facts}
    # What the card wishes is a beginning: an operator may change it in the console, and no restart changes it back.
    first = {"title": card.get("title", ""), "presets": _presets(source, card), **wishes, **told}
    return Checkpoint.objects.update_or_create(name=name, defaults=told, create_defaults=first)


def _presets(source: str, card: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return read_presets(card.get("presets", []))
    except PresetUnfit as error:
        raise CheckpointUnusable(f"{Path(source) / CARD}: {error}") from error


def preset_of(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    """Return the settings that a preset stands for: steps, guidance_scale, scheduler, sigmas, timestep_spacing.

    Raises NoSuchPreset with a sentence that lists those there are.
    """
    try:
        return preset_in(checkpoint.presets, name)
    except NoSuchPreset as error:
        raise NoSuchPreset(f"The checkpoint {checkpoint.name} has no preset of that name. {error}") from error


def absolute(source: str) -> str:
    """Return a folder's or file's whole path, which means the same to every process; a hub id as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source


def name_of(source: str) -> str:
    """Return what a checkpoint calls itself, else its folder's or its file's name."""
    return str(_card(source).get("name") or Path(source).name.removesuffix(".safetensors"))


def controlnet_wishes(folder: str) -> dict[str, Any]:
    """Return how a ControlNet's folder wants to be called and followed, if it says so in `darkroom.json`."""
    card = _card(folder)
    weight = card.get("defaults", {}).get("conditioning_scale")
    return {"title": card.get("title", "")} | ({} if weight is None else {"weight": weight})


def make_default(checkpoint: Checkpoint) -> None:
    """Let requests that name no checkpoint get this one."""
    with transaction.atomic():
        Checkpoint.objects.filter(is_default=True).exclude(pk=checkpoint.pk).update(is_default=False)
        Checkpoint.objects.filter(pk=checkpoint.pk).update(is_default=True)
    checkpoint.is_default = True


def default_checkpoint() -> Checkpoint | None:
    """Return the checkpoint for requests that name none, None before the first one is shelved."""
    return Checkpoint.objects.filter(is_default=True).first()


def base_checkpoints() -> list[Checkpoint]:
    """Return every checkpoint that a request may name, the default first."""
    return list(Checkpoint.objects.filter(kind=Checkpoint.Kind.BASE).order_by("-is_default", "name"))


def _card(source: str) -> dict[str, Any]:
    """Return what a checkpoint folder says of itself: in its own words, or by the size its UNet was made for."""
    if (card := Path(source) / CARD).is_file():
        return content_of(card)
    if (unet := Path(source) / "unet" / "config.json").is_file():
        side = content_of(unet)["sample_size"] * LATENT_PIXELS
        return {"defaults": {"width": side, "height": side}}
    return {}


@dataclass(frozen=True)
class Examined:
    """What a LoRA file was found to be."""

    hashes: Hashes
    hints: Hints
    size_bytes: int
    rank: int
    parts: list[str]
    context_width: int | None


def examine_lora(file: BinaryIO) -> Examined:
    """Read a LoRA file through without trusting it. Raises LoraUnusable with a sentence for whoever brought it."""
    size_bytes = file.seek(0, 2)
    if size_bytes > MAX_LORA_BYTES:
        raise LoraUnusable("file_too_large", f"The file has {size_bytes} bytes; at most {MAX_LORA_BYTES} are taken.")
    lora = read_lora_file(file)
    refuse_non_finite(file, lora.header)
    return Examined(
        hashes=hashes_of(file, lora.header),
        hints=hints_of(lora.header.metadata),
        size_bytes=size_bytes,
        rank=max(layer.rank for layer in lora.layers),
        parts=sorted({layer.part for layer in lora.layers}),
        context_width=lora.context_width,
    )


def register_lora(
    file: BinaryIO,
    name: str,
    *,
    tenant: Tenant | None = None,
    told: Mapping[str, str] | None = None,
    found: Examined | None = None,
) -> tuple[LoraVersion, bool]:
    """Put a LoRA file on the shelf: the one door for all of them. Return its version, and whether that is new.

    The same file again is the version that it is already; another file under a name that stands becomes that LoRA's
    next version. `told` is what its owner says of it (title, trigger_words, ...) and goes before what its metadata
    says. Raises LoraUnusable for the file or the name, ApiError when the store does not take it or the tenant has no
    room for it.
    """
    found = found or examine_lora(file)
    known = LoraVersion.objects.filter(sha256=found.hashes.sha256, lora__tenant=tenant).select_related("lora").first()
    name = known.lora.name if known else name
    told = {field: text for field, text in (told or {}).items() if text}
    fields = _checked(name, {**_hinted(found.hints), **told})
    if tenant and not known:
        check_room(tenant, found.size_bytes)
    key = storage.keep(file, found.hashes.sha256, tenant)
    with transaction.atomic():
        lora, is_new = Lora.objects.select_for_update().get_or_create(tenant=tenant, name=name, defaults=fields)
        if not is_new:
            Lora.objects.filter(pk=lora.pk).update(**told, withdrawn_at=None)
        version, is_new_file = lora.versions.get_or_create(
            sha256=found.hashes.sha256, defaults=_version(lora, key, found)
        )
        if is_new_file:
            take_place(tenant, version, is_more=is_new or lora.withdrawn_at is not None)
    return version, is_new_file


def _hinted(hints: Hints) -> dict[str, str]:
    """Return what the file's metadata suggests, within what a row takes."""
    words = ", ".join(hints.triggers)
    if len(words) > WORDS_CHARS:
        words = words[:WORDS_CHARS].rpartition(",")[0]
    return {"title": hints.title, "base": hints.base, "trigger_words": words}


def _checked(name: str, fields: dict[str, str]) -> dict[str, str]:
    """Return the fields if a row takes them. Raises LoraUnusable."""
    try:
        Lora(name=name, **fields).full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise LoraUnusable("invalid_value", f"The {field.replace('_', ' ')}: {sentences[0]}") from error
    return fields


def _version(lora: Lora, key: str, found: Examined) -> dict[str, Any]:
    hashes = found.hashes
    return {
        "number": lora.versions.count() + 1,
        "blob": key,
        "size_bytes": found.size_bytes,
        "autov1": hashes.autov1,
        "autov2": hashes.autov2,
        "autov3": hashes.autov3,
        "crc32": hashes.crc32,
        "rank": found.rank,
        "parts": found.parts,
        "context_width": found.context_width,
    }


def lora_name(file_name: str) -> str:
    """Return the name that a file's own name suggests, in the signs that names have."""
    stem = file_name.removesuffix(".safetensors")
    kept = " ".join("".join(sign if re.fullmatch(r"[\w .()+-]", sign) else " " for sign in stem).split())
    match = re.search(NAME, kept)
    return match[0][:100].strip() if match else "lora"


def remove_lora(lora: Lora) -> bool:
    """Take a LoRA off the shelf, with its files; return False when it was only withdrawn.

    What generations were made with, or are being made with, stays for them: it is withdrawn, no request finds it.
    """
    try:
        with transaction.atomic():
            Lora.objects.select_for_update().filter(pk=lora.pk).first()  # so that no version comes in between
            versions = list(lora.versions.all())
            Lora.objects.filter(pk=lora.pk).delete()
            if lora.tenant_id:
                remove(lora.tenant_id, sum(version.size_bytes for version in versions))
    except (ProtectedError, IntegrityError):  # the latter: a generation came in between
        Lora.objects.filter(pk=lora.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
        return False
    storage.discard(version.blob for version in versions)
    return True
