"""What do a thousand clients cost that wait on one web process, and how soon does the last one hear of its end?

Half of them follow event streams, half have asked with `Prefer: wait`, a tenth for each of ten tenants. When all wait,
others ask for a status; then some jobs end one by one, as a worker ends them, and others ask again; at last all that
are left end at once. The server lets in just so many: what happens to one more is asked as well.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Any

import psutil
from django.db import connection

from bench.api_load import Load, drive, figures
from bench.api_paths import ROUTE, SUBMITTED
from bench.api_site import Client, Site, Web
from bench.api_waiters import Waited, Waiting, converse, wait_all
from generation.models import GenerationJob
from jobs.models import Status
from jobs.services import cancel, cancel_all

TENANTS = 10
ENDS_PER_SECOND = 4
ASKING = 4  # clients beside those that wait
PREFER = {"Prefer": "wait=540"}
Ends = dict[str, float]


def measured(site: Site, clients: Executor, waiters: int, seconds: float) -> dict[str, Any]:
    """Let so many wait, look at the process, end their jobs, and return what was seen."""
    tenants, each = [site.client(f"waits {number}") for number in range(TENANTS)], waiters // TENANTS
    beside = site.client("asks beside")
    status = beside.ask("GET", f"{ROUTE}/{site.jobs(beside.tenant, 1, Status.SUCCEEDED)[0].pk}")
    room = {"DARKROOM_MAX_WAITERS": str(each * TENANTS), "DARKROOM_MAX_WAITERS_PER_TENANT": str(each)}
    with site.serving(**room) as web:

        def asking() -> Future[dict[str, Any]]:
            return clients.submit(drive, Load(web.port, [status], ASKING, seconds))

        found: dict[str, Any] = {"waiters": each * TENANTS, "status_alone": _second(asking), "before": look(web)}
        began = time.time()
        waiting = clients.submit(wait_all, Waiting(web.port, _requests(site, tenants, each)))
        found["seconds_until_all_wait"] = _until_all_wait(tenants, each) - began
        found["processor_while_they_wait"] = _busy(web, seconds)
        found |= {"status_beside_them": asking().result(), "while_they_wait": look(web)}
        found["one_more"] = _one_more(web, [tenants[0], beside])
        asked = asking()
        ends = _end_some(tenants, seconds)
        found["status_while_jobs_end"] = asked.result()
        at_once = _end_all(tenants)
        heard = waiting.result()
        found |= {"one_by_one": _heard(heard, ends), "at_once": _heard(heard, at_once), "after": look(web)}
    grown = found["while_they_wait"]["rss_bytes"] - found["before"]["rss_bytes"]
    return found | {"bytes_each": grown / (each * TENANTS)}


def look(web: Web) -> dict[str, int]:
    """Return what the processes hold: memory, threads, and connections to the database."""
    return {
        "rss_bytes": sum(each.memory_info().rss for each in web.processes),
        "threads": sum(each.num_threads() for each in web.processes),
        "database_connections": sum(_connections(each) for each in web.processes),
    }


def _second(asking: Callable[[], Future[dict[str, Any]]]) -> dict[str, Any]:
    """Return how the second round goes: the first one waits for the process to start."""
    asking().result()
    return asking().result()


def _busy(web: Web, seconds: float) -> float:
    """Return which part of a processor it has while nobody asks anything new."""
    before = web.busy_seconds
    time.sleep(seconds)
    return (web.busy_seconds - before) / seconds


def _connections(process: psutil.Process) -> int:
    """Return how many are open: files of SQLite's, or sockets to PostgreSQL's port."""
    if connection.vendor == "sqlite":
        return sum(file.path == str(connection.settings_dict["NAME"]) for file in process.open_files())
    port = int(connection.settings_dict["PORT"])
    return sum(bool(each.raddr) and each.raddr.port == port for each in process.net_connections())


def _requests(site: Site, tenants: Sequence[Client], each: int) -> list[bytes]:
    """Return what each sends that waits: the streams, then those that ask for a picture."""
    followed = [(tenant, job) for tenant in tenants for job in site.jobs(tenant.tenant, each // 2)]
    streams = [tenant.ask("GET", f"{ROUTE}/{job.pk}/events") for tenant, job in followed]
    return streams + [tenant.ask("POST", ROUTE, SUBMITTED, **PREFER) for tenant in tenants for _ in range(each // 2)]


def _until_all_wait(tenants: Sequence[Client], each: int) -> float:
    """Return when every job is there; the streams began before the first of those that ask."""
    while _waiting_jobs(tenants).count() < each * len(tenants):
        time.sleep(0.1)
    return time.time()


def _waiting_jobs(tenants: Sequence[Client]) -> Any:
    return GenerationJob.objects.filter(tenant__in=[each.tenant for each in tenants], status=Status.QUEUED)


def _one_more(web: Web, clients: Sequence[Client]) -> list[str]:
    """Return what one more hears of a tenant whose clients wait, and of another."""
    answers = converse(web.port, [each.ask("POST", ROUTE, SUBMITTED, **PREFER) for each in clients])
    return [f"{status} {json.loads(body)['error']['message']}" for status, body in answers]


def _end_some(tenants: Sequence[Client], seconds: float) -> Ends:
    """End jobs at a steady pace, each for itself, and return when each had ended."""
    ends: Ends = {}
    # In no order: whoever waits behind one of these hears that it has moved up.
    jobs, began = list(_waiting_jobs(tenants).order_by("?")[: round(seconds * ENDS_PER_SECOND)]), time.time()
    for number, job in enumerate(jobs, start=1):
        cancel(job)
        ends[job.pk] = time.time()
        time.sleep(max(0.0, began + number / ENDS_PER_SECOND - time.time()))
    return ends


def _end_all(tenants: Sequence[Client]) -> Ends:
    """End all that are left, a tenant's at once, and return when each had ended."""
    ends: Ends = {}
    for client in tenants:
        own = _waiting_jobs([client])
        ids = list(own.values_list("pk", flat=True))
        cancel_all(own)
        ends |= dict.fromkeys(ids, time.time())
    return ends


def _heard(heard: Sequence[Waited], ends: Ends) -> dict[str, Any]:
    """Return how long after a job's end its client had heard of it."""
    took = [1000 * (each.at - ends[each.job_id]) for each in heard if each.job_id in ends]
    statuses = sorted({each.status for each in heard})
    return {
        "ended": len(ends),
        "heard": len(took),
        "statuses": statuses,
        "repeated": sum(each.repeated for each in heard),
        **figures(took),
        "last_ms": max(took),
    }
