"""Takes from a LoRA file's metadata what a shelf may suggest: anybody's text, so bounded, and nothing depends on it."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

MAX_CHARS = 200
MAX_TRIGGERS = 10
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Hints:
    """What the file says of itself, empty where it says nothing."""

    title: str
    base: str
    triggers: tuple[str, ...]


def hints_of(metadata: Mapping[str, str]) -> Hints:
    """Read ModelSpec's fields first, kohya's where they are missing."""
    trigger = line(metadata.get("modelspec.trigger_phrase", ""))
    return Hints(
        title=line(metadata.get("modelspec.title") or metadata.get("ss_output_name", "")),
        base=line(metadata.get("modelspec.architecture") or metadata.get("ss_base_model_version", "")),
        triggers=(trigger,) if trigger else frequent_tags(metadata.get("ss_tag_frequency", "{}")),
    )


def line(text: str) -> str:
    """Make one short printable line of a text."""
    return UNPRINTABLE.sub(" ", text[: 4 * MAX_CHARS]).strip()[:MAX_CHARS]


def frequent_tags(frequency: str) -> tuple[str, ...]:
    """Return the tags trained on most, of kohya's {"folder": {"tag": count}}."""
    try:
        folders = json.loads(frequency)
    except (ValueError, RecursionError):
        return ()
    counts: Counter[str] = Counter()
    for tags in folders.values() if isinstance(folders, dict) else ():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            counts[tag] += count if type(count) is int else 0
    tags = (line(tag) for tag, count in counts.most_common(MAX_TRIGGERS) if count > 0)
    return tuple(tag for tag in tags if tag)
