"""Who is drawn with one set of weights: the pictures that wait, and the batches of those that are under way."""

from dataclasses import dataclass, field

from generation.engine.batch import RunningBatch, Shape
from generation.engine.member import Member


@dataclass
class Group:
    """The pictures of one weight set: those that wait to enter a phase, and the batches of those that have."""

    arrivals: list[Member] = field(default_factory=list)
    batches: dict[Shape, RunningBatch] = field(default_factory=dict)

    @property
    def members(self) -> list[Member]:
        """Return all of them."""
        return [*self.arrivals, *(member for batch in self.batches.values() for member in batch.members)]

    @property
    def first(self) -> Member:
        """Return the one that is due first."""
        return min(self.members, key=lambda member: member.generation.due)

    def join(self, member: Member, *, padded: bool) -> None:
        """Let a picture that has entered its phase step with those of its shape."""
        shape = Shape.of(member)
        self.batches.setdefault(shape, RunningBatch(shape, padded=padded)).join(member)

    def drop_the_finished(self) -> None:
        """Forget whoever has ended, was cancelled or has failed."""
        self.arrivals = [member for member in self.arrivals if not member.generation.finished.done()]
        for batch in self.batches.values():
            batch.keep(lambda member: not member.generation.finished.done())
        self.batches = {shape: batch for shape, batch in self.batches.items() if batch.members}
