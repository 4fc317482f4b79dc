"""Which pictures does a batch name more than once? Each is taken in once, and is its upload after that."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generation.models import Upload
from generation.orders import Order
from wire.errors import ApiError
from wire.ids import is_id

Fields = Mapping[str, Any]

STARTS = ("init_image", "mask")
MOST_NEW = 24  # in one request: decoding one takes up to half a second, fetching it up to ten


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


def refuse_too_many(specs: Sequence[Fields]) -> None:
    """Raise ApiError when these validated specs bring more pictures along than one request may."""
    new = {said for fields in specs for said in _said(fields) if not _is_ours(said)}
    if len(new) > MOST_NEW:
        message = (
            f"A request may bring {MOST_NEW} pictures along, this brings {len(new)}. "
            "POST them to /api/v1/uploads first, and name them by their ids."
        )
        raise ApiError(400, "too_many_images", message)


def _said(fields: Fields) -> Iterator[Any]:
    yield from (fields[name] for name in STARTS if name in fields)
    yield from (entry["image"] for entry in fields["controlnets"])


def _is_ours(said: Any) -> bool:
    return isinstance(said, str) and (is_id(said, "upl") or is_id(said, "img"))


def _named(fields: Fields, order: Order) -> Iterator[tuple[Any, Upload | None]]:
    """Yield what the request calls each picture, and what it became."""
    yield from ((fields[name], getattr(order.start, name)) for name in STARTS if name in fields)
    for entry, followed in zip(fields["controlnets"], order.controls, strict=True):
        yield entry["image"], followed.image
