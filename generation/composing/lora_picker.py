"""Which LoRAs does the form hold, and which does it offer? Each is named by its file's hash, so none changes unseen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.http import QueryDict

from generation.composing.typed import number
from generation.engine.spec import MAX_LORAS
from generation.models import GenerationJob
from loras.finding import find_versions, search, usable_loras
from loras.models import Lora, LoraVersion
from tenants.callers import Caller

OFFERED = 8  # at once; more words find the others


@dataclass(frozen=True)
class Picked:
    """A LoRA in the form, and its weight as it was typed."""

    version: LoraVersion
    weight: str

    @property
    def lora(self) -> Lora:
        """Return the LoRA that the version is of."""
        return self.version.lora


class LoraPicker:
    """The form's LoRAs: those chosen, and after a search those that could be."""

    def __init__(self, caller: Caller, chosen: Iterable[tuple[str, str]] = (), *, find: str | None = None) -> None:
        self.caller, self.asked, self.find = caller, list(chosen)[: MAX_LORAS + 1], find
        versions = find_versions(caller, [("hash", sha256) for sha256, _ in self.asked])
        pairs = list(zip(versions, self.asked, strict=True))
        self.picked = [Picked(version, weight) for version, (_, weight) in pairs if version]
        self.has_lost = len(self.picked) < len(self.asked)
        self.has_room = len(self.picked) < MAX_LORAS

    @classmethod
    def posted(cls, caller: Caller, data: QueryDict) -> "LoraPicker":
        """Return what a browser's form holds, after its pressed button did its work."""
        chosen = dict(zip(data.getlist("lora"), data.getlist("lora_weight"), strict=False))
        chosen.pop(data.get("remove", ""), None)
        if added := data.get("add"):
            chosen.setdefault(added, "1")
        is_search = not {"add", "remove"} & set(data)
        return cls(caller, chosen.items(), find=data.get("find", "") if is_search else None)

    @classmethod
    def of(cls, caller: Caller, job: GenerationJob) -> "LoraPicker":
        """Return what a generation was made with, to be used again."""
        return cls(caller, [(each.version.sha256, f"{each.weight:g}") for each in job.loras.all()])

    @property
    def is_needed(self) -> bool:
        """Return whether the form shows LoRAs at all: on a bare shelf there is nothing to choose."""
        return bool(self.asked) or usable_loras(self.caller).exists()

    @property
    def offered(self) -> list[LoraVersion]:
        """Return the newest versions of what was searched for, without what is chosen already."""
        if self.find is None:
            return []
        words = self.find.replace("\0", " ")[:200]
        taken = [each.version.lora_id for each in self.picked]
        newest = Prefetch("versions", LoraVersion.objects.select_related("lora"))
        found = search(self.caller, words).exclude(pk__in=taken).prefetch_related(None).prefetch_related(newest)
        return [lora.newest_first[0] for lora in found.order_by("-pk")[:OFFERED]]

    @property
    def order(self) -> list[dict[str, Any]]:
        """Return the chosen as the API would be sent them; what is no number is refused there."""
        return [{"hash": sha256, "weight": number(weight)} for sha256, weight in self.asked]
