"""How busy is each receiver, and which are dead? So that nobody's slow receiver holds up another's messages."""

from collections import Counter, OrderedDict
from datetime import datetime, timedelta

PER_LANE = 2
STRIKES = 5  # after so many failures one after the other, a lane rests
REST = timedelta(seconds=30)
MOST_REMEMBERED = 500


class Lanes:
    """What is under way, by lane and by tenant. A lane is an endpoint, or a server that requests name."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.busy: Counter[str] = Counter()
        self.busy_tenants: Counter[str] = Counter()
        self.strikes: OrderedDict[str, int] = OrderedDict()
        self.rests: dict[str, datetime] = {}

    @property
    def free(self) -> int:
        """Return how many attempts more may be under way."""
        return self.room - self.busy.total()

    def begin(self, lane: str, tenant: str) -> None:
        """Note that an attempt is under way."""
        self.busy[lane] += 1
        self.busy_tenants[tenant] += 1

    def end(self, lane: str, tenant: str) -> None:
        """Note that an attempt is over."""
        self.busy -= Counter([lane])
        self.busy_tenants -= Counter([tenant])

    def judge(self, lane: str, now: datetime, *, arrived: bool) -> None:
        """Note how an attempt went: a lane on which several failed in a row rests."""
        if arrived:
            self.strikes.pop(lane, None)
            self.rests.pop(lane, None)
            return
        self.strikes[lane] = self.strikes.get(lane, 0) + 1
        self.strikes.move_to_end(lane)
        while len(self.strikes) > MOST_REMEMBERED:
            forgotten, _ = self.strikes.popitem(last=False)
            self.rests.pop(forgotten, None)
        if self.strikes[lane] >= STRIKES:
            self.rests[lane] = now + REST

    def has_room(self, lane: str, tenant: str, now: datetime) -> bool:
        """Return whether an attempt may begin there now."""
        return self.free > 0 and self._is_open(lane, now) and self._has_share(tenant)

    def closed_lanes(self, now: datetime) -> set[str]:
        """Return on which lanes none may begin."""
        return {lane for lane in (*self.busy, *self.rests) if not self._is_open(lane, now)}

    def full_tenants(self) -> set[str]:
        """Return of which tenants none may begin."""
        return {tenant for tenant in self.busy_tenants if not self._has_share(tenant)}

    def _is_open(self, lane: str, now: datetime) -> bool:
        most = PER_LANE if self.strikes.get(lane, 0) < STRIKES else 1
        return self.busy[lane] < most and self.rests.get(lane, now) <= now

    def _has_share(self, tenant: str) -> bool:
        """A tenant may hold a quarter of what is free: however many take theirs, something is left for the next."""
        return self.busy_tenants[tenant] < max(1, self.free // 4)
