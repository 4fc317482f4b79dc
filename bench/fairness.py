"""Does one tenant with a thousand large jobs keep ten tenants with small ones waiting? Asked of a real worker.

    python -m bench.fairness

Ten tenants ask for small jobs each, first alone, then beside a tenant that has asked for a thousand large ones and is
being served. Claims, leases and the engine are the real ones, in one process, on a database of its own (SQLite in a
temporary folder unless DATABASE_URL names another, which must be empty). A small job's wait is from asking to its end.

Fairness is Jain's index, (sum x)^2 / (n sum x^2), of x = the denoising steps that were made for a tenant while all of
them had something waiting or running: 1 where all are served alike, 1 / n at worst. All jobs are of one size, so steps
stand for GPU-seconds.

Writes JSON and prints a table.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

TENANTS = 10
MILLISECONDS_PER_STEP = 50  # what the claim is told; only that it is the same for all matters
TARGET_JAIN, TARGET_WAIT = 0.95, 1.5


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as home:
        os.environ["DARKROOM_HOME"] = home
        os.environ.setdefault("LOG_LEVEL", "ERROR")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")
        os.environ["DARKROOM_MAX_QUEUED"] = "100000"
        os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"  # nobody rings: the bench turns the worker by hand
        import django  # noqa: PLC0415 - its settings read the environment

        django.setup()
        from bench.fair_site import Site  # noqa: PLC0415 - models want django.setup

        with closing(Site()) as site:
            report(run(site, asked), asked.out)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", type=int, default=1000, help="how many large jobs wait")
    parser.add_argument("--large-steps", type=int, default=100)
    parser.add_argument("--each", type=int, default=3, help="how many small jobs each of the ten tenants asks for")
    parser.add_argument("--small-steps", type=int, default=25)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--head-start", type=float, default=8.0, help="seconds for which the large ones are alone")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "fairness.json")
    return parser.parse_args()


def run(site: Any, asked: argparse.Namespace) -> dict[str, Any]:
    """Measure both, one after the other on one warm worker."""
    load = os.getloadavg()[0]
    names = [f"small {number}" for number in range(TENANTS)]
    site.ask("warm-up", 4, asked.small_steps, asked.side)
    site.work(lambda: site.is_done("warm-up"))
    alone = small_ones(site, [f"{name}, alone" for name in names], asked)
    site.ask("large", asked.large, asked.large_steps, asked.side)
    until = time.monotonic() + asked.head_start
    site.work(lambda: time.monotonic() > until)
    before = site.steps()
    shares: list[Counter[str]] = []
    beside = small_ones(site, names, asked, note=lambda: shares.append(site.steps() - before))
    jains = [jain([share[name] for name in [*names, "large"]]) for share in shares]
    return {
        "machine": site.machine(),
        "load_average": [load, os.getloadavg()[0]],
        "asked": {name: value for name, value in vars(asked).items() if name != "out"},
        "large_jobs_left": site.left("large"),
        "steps_while_all_had_work": dict(shares[-1]),
        "jain": jains[-1],
        "alone": figures(alone),
        "beside": figures(beside),
        "mean_wait_ratio": sum(beside) / sum(alone),
        "worst_tenant_ratio": max(
            sum(beside[place::1][: asked.each]) / sum(alone[place::1][: asked.each])
            for place in range(0, len(alone), asked.each)
        ),
    }


def small_ones(
    site: Any, names: Sequence[str], asked: argparse.Namespace, note: Callable[[], object] = lambda: None
) -> list[float]:
    """Let these tenants ask, do it, and return each job's wait in seconds, a tenant's jobs beside each other.

    `note` is called as long as every one of them has something waiting or running.
    """
    for name in names:
        site.ask(name, asked.each, asked.small_steps, asked.side)

    def done() -> bool:
        left = [site.left(name) for name in names]
        if all(left):
            note()
        return not any(left)

    site.work(done)
    return [wait for name in names for wait in site.waits(name)]


def jain(values: Sequence[float]) -> float:
    squares = sum(value**2 for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0


def figures(waits: Sequence[float]) -> dict[str, float]:
    ordered = sorted(waits)
    return {
        "mean_seconds": sum(waits) / len(waits),
        "p50_seconds": ordered[len(ordered) // 2],
        "max_seconds": ordered[-1],
    }


def report(result: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'small jobs wait':18}{'mean':>9}{'p50':>9}{'max':>9}   seconds")
    for name in ("alone", "beside"):
        print(f"{name:18}" + "".join(f"{value:9.2f}" for value in result[name].values()))
    ratios = f"mean {result['mean_wait_ratio']:.2f}x, worst tenant {result['worst_tenant_ratio']:.2f}x"
    print(f"beside a thousand large ones: {ratios} (target {TARGET_WAIT}x)")
    print(f"Jain's index of steps {result['jain']:.3f} (target {TARGET_JAIN}); load {result['load_average']}")
    print(f"Written to {out}.")


if __name__ == "__main__":
    main()
