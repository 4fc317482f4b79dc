"""Do quotes come true? As many below p50 as above it, nine of ten below p90, and no charge above its quote.

    python -m bench.forecasts

Six tenants ask for pictures of many sizes, steps, numbers and tiers, by chance (a Poisson process), at a part of what
one worker can do. Each asks for a quote and then for what was quoted. Quote, order of claims, ledger and cost model are
the real ones on a database of its own (SQLite in a temporary folder), the device is a number, and time is virtual
(`forecast_site`): the figures depend on the seed, on no machine. How long a job really takes is its units times a rate
that the site must find out, times noise (log-normal). So nothing is said of how well units tell work of one kind from
work of another, which only a device can.

Of each load and noise, once the first requests have taught it, the part of requests that came true:

- `cost`: took no more GPU-time than the rate's p50 and p90;
- `start`, `finish`: no later than the quote's forecast. What may start at once is under both.

Writes JSON and prints a table.
"""

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LOADS, NOISES = (0.5, 0.8, 1.1), (0.1, 0.3)
TARGET_P50, TARGET_P90 = (0.45, 0.55), (0.85, 0.95)


def main() -> None:
    asked = arguments()
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "darkroom.settings")
    os.environ["DARKROOM_MAX_QUEUED"] = "100000"
    os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"  # nobody rings: the bench turns the worker by hand
    with tempfile.TemporaryDirectory() as home:
        os.environ["DARKROOM_HOME"] = home
        import django  # noqa: PLC0415 - its settings read the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - as above

        from bench.forecast_site import Site  # noqa: PLC0415 - models want django.setup

        runs = []
        call_command("migrate", verbosity=0)
        print("noise load    cost p50, p90    start p50, p90   finish p50, p90 real/forecast, above quote")
        for noise in asked.noises:
            for load in asked.loads:
                call_command("flush", interactive=False, verbosity=0)
                runs.append(judge(Site(noise).run(load, asked.seed, asked.warm_up, asked.requests), load, noise))
                show(runs[-1])
    report(asked, runs)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=300, help="how many are judged")
    parser.add_argument("--warm-up", type=int, default=100, help="how many come before them")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS)
    parser.add_argument("--noises", type=float, nargs="+", default=NOISES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "forecasts.json")
    return parser.parse_args()


def judge(found: Sequence[Any], load: float, noise: float) -> dict[str, Any]:
    """Say which part of the requests came true."""
    tiers = sorted({each.job.tier for each in found})
    return {
        "load": load,
        "noise": noise,
        "requests": len(found),
        "cost": {
            "p50": part(found, lambda each: each.takes_ms <= each.units * each.rate.p50),
            "p90": part(found, lambda each: each.takes_ms <= each.units * each.rate.p90),
            "median_ratio": statistics.median(each.takes_ms / (each.units * each.rate.p50) for each in found),
        },
        "above_quote": part(found, lambda each: (each.job.charged_ms or 0) > each.job.quoted_ms),
        "start": {
            "p50": part(found, lambda each: each.started - each.at <= each.told.forecast.start_p50),
            "p90": part(found, lambda each: each.started - each.at <= each.told.forecast.start_p90),
            "at_once": part(found, lambda each: each.started == each.at),
        },
        "finish": finishes(found),
        "finish_by_tier": {tier: finishes([each for each in found if each.job.tier == tier]) for tier in tiers},
    }


def finishes(found: Sequence[Any]) -> dict[str, float]:
    return {
        "p50": part(found, lambda each: each.finished - each.at <= each.told.forecast.finish_p50),
        "p90": part(found, lambda each: each.finished - each.at <= each.told.forecast.finish_p90),
        "median_ratio": statistics.median((each.finished - each.at) / each.told.forecast.finish_p50 for each in found),
        "median_seconds": statistics.median(each.finished - each.at for each in found),
    }


def part(found: Sequence[Any], holds: Callable[[Any], bool]) -> float:
    return sum(holds(each) for each in found) / len(found)


def show(run: dict[str, Any]) -> None:
    parts = "".join(f"{run[what][p]:9.1%}" for what in ("cost", "start", "finish") for p in ("p50", "p90"))
    ratio = run["finish"]["median_ratio"]
    print(f"{run['noise']:5} {run['load']:5}{parts}{ratio:9.2f}{run['above_quote']:8.1%}", flush=True)


def report(asked: argparse.Namespace, runs: Sequence[dict[str, Any]]) -> None:
    said = {name: value for name, value in vars(asked).items() if name != "out"}
    targets = {"p50": TARGET_P50, "p90": TARGET_P90, "above_quote": 0}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps({"asked": said, "targets": targets, "runs": list(runs)}, indent=2) + "\n")
    print(f"Targets: p50 {TARGET_P50}, p90 {TARGET_P90}, above quote 0. Written to {asked.out}.")


if __name__ == "__main__":
    main()
