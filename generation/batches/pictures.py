"""Which pictures does a batch name more than once? Each is taken in once, and is its upload after that."""

from collections.abc import Iterator, Mapping
from typing import Any

from generation.models import Upload
from generation.orders import Order

Fields = Mapping[str, Any]

STARTS = ("init_image", "mask")


class Pictures:
    """What has been taken in for a batch so far."""

    def __init__(self) -> None:
        self.taken: dict[Any, Upload] = {}

    def known(self, fields: Fields) -> dict[str, Any]:
        """Return these validated fields with the upload of each picture that is here already."""
        starts = {name: self._known(fields[name]) for name in STARTS if name in fields}
        controls = [entry | {"image": self._known(entry["image"])} for entry in fields["controlnets"]]
        return dict(fields) | starts | {"controlnets": controls}

    def note(self, fields: Fields, order: Order) -> None:
        """Remember under what name the pictures of this order were taken in."""
        self.taken |= {said: upload for said, upload in _named(fields, order) if upload}

    def _known(self, said: Any) -> Any:
        return self.taken.get(said, said)


def _named(fields: Fields, order: Order) -> Iterator[tuple[Any, Upload | None]]:
    """Yield what the request calls each picture, and what it became."""
    yield from ((fields[name], getattr(order.start, name)) for name in STARTS if name in fields)
    for entry, followed in zip(fields["controlnets"], order.controls, strict=True):
        yield entry["image"], followed.image
