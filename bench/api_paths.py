"""How often a second can each path be asked, how long does an answer take, and how much of a processor does it need?

Every row is compared with a bare view of Django and DRF in the same server, in the same run: machines differ, ratios
do less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.api_load import Load, asked
from bench.api_site import BARE, Client, Site, Web
from generation.models import GenerationJob
from jobs.models import Status
from tenants import keys

ROUTE = "/api/v1/generations"
WARM_UP_SECONDS = 0.5
TENANTS, WAITING = 10, 100

Drive = Callable[[Load], dict[str, Any]]


@dataclass(frozen=True)
class Path:
    """What is asked in turn, how it is answered, and which bare view it is compared with."""

    name: str
    requests: Sequence[bytes]
    status: int = 200
    beside: str = "bare read"


def measured(site: Site, drive: Drive, clients: Sequence[int], seconds: float) -> list[dict[str, Any]]:
    """Measure the bare views, then each path, with so many clients at once."""
    with site.serving(BARE) as web:
        rows = [row(web, drive, path, each, seconds) for path in bare() for each in clients]
    bases = {(each["path"], each["clients"]): each for each in rows}
    paths = ours(site)
    with site.serving() as web:
        for path in paths:
            rows += [row(web, drive, path, each, seconds) for each in clients]
            if path.status == 202:  # or what was asked before would be in the way of what comes after
                GenerationJob.objects.filter(status=Status.QUEUED, prompt=SUBMITTED["prompt"]).delete()
    for each in rows:
        base = bases[each.pop("beside"), each["clients"]]
        each["rate_ratio"] = each["per_second"] / base["per_second"]
        each["processor_ratio"] = each["processor_ms"] / base["processor_ms"]
    return rows


def bare() -> list[Path]:
    """Return the views that everything is compared with."""
    return [
        Path("bare read", [asked("GET", "/notes/1", {})]),
        Path("bare write", [asked("POST", "/notes", {}, {"text": "a red kite"})], 201, "bare write"),
    ]


SUBMITTED = {"prompt": "a lighthouse in the fog", "size": "1024x1024", "steps": 30, "seed": 7}


def ours(site: Site) -> list[Path]:
    """Return the paths of the API, with what they need in the database."""
    submitting = [site.client(f"submits {number}") for number in range(TENANTS)]
    reads = site.client("reads")
    done = site.jobs(reads.tenant, 200, Status.SUCCEEDED, charged_ms=4000)
    site.images(done)
    waits = site.client("waits")
    waiting = site.jobs(waits.tenant, WAITING)
    return [
        Path("healthz", [asked("GET", "/healthz", {})]),
        Path("submit", [each.ask("POST", ROUTE, SUBMITTED) for each in submitting], 202, "bare write"),
        Path("status", _one_by_one(reads, done)),
        Path(f"status, one of {WAITING} waiting", _one_by_one(waits, waiting)),
        Path("list of 20", [reads.ask("GET", ROUTE)]),
        Path("429 rate limit", [site.client("hurries", requests_per_minute=1).ask("POST", ROUTE, SUBMITTED)], 429),
        Path("429 quota", [site.client("spent", images_per_day=0).ask("POST", ROUTE, SUBMITTED)], 429),
        Path("401", [asked("GET", ROUTE, {"Authorization": f"Bearer {keys.mint()}"})], 401),
    ]


def row(web: Web, drive: Drive, path: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Ask for so long, after a moment that does not count."""
    drive(Load(web.port, path.requests, clients, min(WARM_UP_SECONDS, seconds)))
    busy = web.busy_seconds
    found = drive(Load(web.port, path.requests, clients, seconds))
    answers, requests = found.pop("answers"), found.pop("requests")
    return {
        "path": path.name,
        "clients": clients,
        **found,
        "processor_ms": 1000 * (web.busy_seconds - busy) / requests,
        # One of a tenant that hurries passes each minute.
        "other_answers": {status: count for status, count in answers.items() if status != str(path.status)},
        "beside": path.beside,
    }


def _one_by_one(client: Client, jobs: Sequence[GenerationJob]) -> list[bytes]:
    return [client.ask("GET", f"{ROUTE}/{job.pk}") for job in jobs]
