"""What may a request for many generations say? A list of specs, each checked exactly as a single generation is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError

from generation import orders
from generation.batches.pictures import Pictures, refuse_too_many
from generation.orders import Order, OrderSerializer
from loras.services import base_checkpoints
from tenants.callers import Caller
from wire.errors import ApiError, first_refusal
from wire.fields import StrictObject, StrictSerializer, StrictValues

MAX_SPECS = 100

# How a refusal's field is called in the whole request.
Naming = Callable[[str], str]


@extend_schema_field(OrderSerializer(many=True, partial=True))
class Specs(StrictValues):
    """Generations, as single ones are asked for."""


@extend_schema_field(OrderSerializer(partial=True))
class Fields(StrictObject):
    """Fields of a generation."""


class BatchOrderSerializer(StrictSerializer):
    """The fields of `POST /api/v1/batches`."""

    specs = Specs(MAX_SPECS, help_text=f"1 to {MAX_SPECS} generations; each may leave out what the defaults say.")
    defaults = Fields(default=dict, help_text="What holds for every spec that does not say otherwise.")


def batch_orders(caller: Caller, asked: dict[str, Any]) -> list[Order]:
    """Return an order for each spec of these validated fields. Raises ApiError naming the first that is refused."""
    specs, defaults = asked["specs"], asked["defaults"]
    namings = [_naming(f"specs[{place}]", spec, defaults) for place, spec in enumerate(specs)]
    return checked_orders(caller, [completed(spec, defaults) for spec in specs], namings)


def checked_orders(caller: Caller, specs: Sequence[Any], namings: Sequence[Naming]) -> list[Order]:
    """Return an order for each of these specs, all of whose fields are looked at before any is looked up."""
    serializer = OrderSerializer()  # one for all: making it takes longer than what it does
    validated = [_validated(serializer, spec, naming) for spec, naming in zip(specs, namings, strict=True)]
    refuse_too_many(validated)
    found: list[Order] = []
    pictures, bases = Pictures(), base_checkpoints(caller)
    for fields, naming in zip(validated, namings, strict=True):
        with refusals_named(naming):
            found.append(orders.order(caller, pictures.known(fields), bases))
        pictures.note(fields, found[-1])
    return found


def completed(spec: Any, defaults: dict[str, Any]) -> Any:
    """Return the spec with what the defaults add to it; a size in one way replaces the defaults' in another."""
    if not isinstance(spec, Mapping):
        return spec  # which its check refuses
    replaced: set[str] = {"width", "height"} if "size" in spec else set()
    if {"width", "height"} <= spec.keys():
        replaced = {"size"}
    return {name: value for name, value in defaults.items() if name not in replaced} | dict(spec)


@contextmanager
def refusals_named(naming: Naming) -> Iterator[None]:
    """Let what is refused inside name its field as it is called in the whole request."""
    try:
        yield
    except ApiError as refusal:
        if refusal.status < 500:  # the others are not about what was asked
            refusal.param = naming(refusal.param or "")
        raise


def _validated(serializer: OrderSerializer, spec: Any, naming: Naming) -> dict[str, Any]:
    with refusals_named(naming):
        try:
            return dict(serializer.run_validation(spec))
        except ValidationError as error:
            raise first_refusal(error.detail) from error


def _naming(place: str, spec: Any, defaults: dict[str, Any]) -> Naming:
    """Return how to call a field: by its spec's place, or by the defaults when these alone speak of it."""

    def named(param: str) -> str:
        field = param.partition("[")[0].partition(".")[0]
        of_defaults = field in defaults and field not in spec
        return f"defaults.{param}" if of_defaults else f"{place}.{param}".rstrip(".")

    return named
