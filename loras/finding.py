"""Which LoRAs does somebody mean: by id, by name, by any hash, by a word? Always among what they may use."""

import re
from collections.abc import Sequence
from typing import Literal

from django.db.models import Q, QuerySet

from loras.models import Lora, LoraVersion
from tenants.callers import Caller

HEX = re.compile(r"[0-9a-f]{8,64}")
SHORT_AUTOV3 = 12  # as many of its digits AUTOMATIC1111 shows

By = Literal["id", "name", "hash"]


def usable_loras(caller: Caller) -> QuerySet[Lora]:
    """Return what the caller may ask for: what the tenant may, and of it what the key is limited to."""
    usable = Lora.objects.usable_by(caller.tenant)
    return usable if caller.loras is None else usable.filter(pk__in=caller.loras)


def find_versions(caller: Caller, asked: Sequence[tuple[By, str]]) -> list[LoraVersion | None]:
    """Return which version each of these means to the caller, None where there is none; one query for all.

    An id and a name mean the newest version, a hash the version of that file. A tenant's own go before the operator's.
    """
    if not asked:
        return []
    wanted = Q()
    for by, text in asked:
        wanted |= _query(by, text)
    usable = LoraVersion.objects.filter(wanted, lora__in=usable_loras(caller)).select_related("lora")
    found = sorted(usable, key=lambda version: (version.lora.tenant_id is not None, version.number, version.pk))
    return [next((version for version in reversed(found) if _means(by, text, version)), None) for by, text in asked]


def search(caller: Caller, words: str = "", hash: str = "") -> QuerySet[Lora]:
    """Return the caller's LoRAs with their versions: those that every word is said of, or one of whose files it is."""
    found = usable_loras(caller).prefetch_related("versions")
    for word in words.split():
        said = ("name", "title", "trigger_words", "tags")
        hits = Q()
        for field in said:
            hits |= Q(**{f"{field}__icontains": word})
        found = found.filter(hits)
    if hash:
        found = found.filter(pk__in=LoraVersion.objects.filter(_known_as(hash)).values("lora"))
    return found


def _query(by: By, text: str) -> Q:
    if by == "hash":
        return _known_as(text)
    return Q(lora=text) if by == "id" else Q(lora__name=text)


def _known_as(hash: str) -> Q:
    """Return the condition of a file that has this hash, of whichever kind; nothing has what is no hash."""
    digits = hash.lower()
    if not HEX.fullmatch(digits):
        return Q(pk__in=[])
    known = Q(sha256=digits) | Q(autov1=digits) | Q(autov2=digits) | Q(autov3=digits) | Q(crc32=digits)
    # Between two texts, and not LIKE, which no plain index serves.
    return known | Q(autov3__gt=digits, autov3__lt=f"{digits}g") if len(digits) == SHORT_AUTOV3 else known


def _means(by: By, text: str, version: LoraVersion) -> bool:
    if by != "hash":
        return text == (version.lora_id if by == "id" else version.lora.name)
    digits = text.lower()
    hashes = (version.sha256, version.autov1, version.autov2, version.autov3, version.crc32)
    return digits in hashes or digits == version.autov3[:SHORT_AUTOV3]
