"""A replay submits each request when it is due and tells how fast and how fairly the server answered."""

from concurrent.futures import Future

import pytest

from bench.replay import Served, covered, figures, jain_index, replay, service_rates, work_per_second
from bench.schedule import Request
from generation.engine.spec import Spec


def request(arrival: float, tenant: str = "alice", n: int = 1, steps: int = 10) -> Request:
    picture = {"prompt": "", "negative_prompt": "", "width": 64, "height": 64, "guidance_scale": 5.0, "seed": 7}
    spec = Spec(checkpoint="mini", scheduler="EulerDiscreteScheduler", n=n, steps=steps, **picture)
    return Request(arrival, tenant, spec)


class AtOnce:
    """A server that answers every request in no time."""

    name, lora_switches, checkpoint_switches = "at once", 0, 0

    def __init__(self, file: bytes = b"\x89PNG") -> None:
        self.file = file
        self.asked: list[Spec] = []

    def submit(self, spec: Spec) -> Future[list[bytes]]:
        self.asked.append(spec)
        promised: Future[list[bytes]] = Future()
        promised.set_result([self.file] * spec.n)
        return promised


def test_requests_are_submitted_in_order_and_not_before_they_are_due():
    server, schedule = AtOnce(), [request(0.0), request(0.05, n=2), request(0.1)]
    done = replay(server, schedule)
    assert server.asked == [each.spec for each in schedule]
    assert all(each.latency >= 0 for each in done)


def test_a_server_that_sends_no_pngs_ends_the_bench():
    with pytest.raises(ValueError, match="1 files came for 1 pictures, or other files than PNG"):
        replay(AtOnce(b"GIF8"), [request(0.0)])


def test_a_failed_request_ends_the_bench():
    class Failing(AtOnce):
        def submit(self, spec: Spec) -> Future[list[bytes]]:
            promised: Future[list[bytes]] = Future()
            promised.set_exception(MemoryError("too large"))
            return promised

    with pytest.raises(MemoryError, match="too large"):
        replay(Failing(), [request(0.0)])


def test_the_speed_is_measured_with_all_requests_waiting_at_once():
    assert work_per_second(AtOnce(), [request(0.0), request(60.0)]) > 20


def test_images_a_second_and_latencies_count_from_the_arrivals():
    done = [Served(request(1.0, n=3), 3.0), Served(request(2.0), 5.0)]
    found = figures(done)
    assert (found["images_per_second"], found["p50_seconds"]) == (1.0, 2.5)
    assert found["p95_seconds"] == pytest.approx(2.95)


def test_time_in_which_a_tenant_waits_twice_counts_once():
    assert covered([(0, 4), (1, 2), (3, 5), (7, 8)]) == 6
    alices = [Served(request(0.0, n=2), 4.0), Served(request(1.0), 2.0)]
    assert service_rates([*alices, Served(request(0.0, "bob"), 1.0)]) == {"alice": 7.5, "bob": 10.0}


def test_jains_index_is_one_for_equal_rates_and_a_share_for_one_who_has_all():
    assert jain_index([3.0, 3.0, 3.0]) == pytest.approx(1)
    assert jain_index([9.0, 0.0, 0.0]) == pytest.approx(1 / 3)
