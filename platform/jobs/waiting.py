"""How does a request wait for its job? The view answers at once and may attach a `Wait`; the door then awaits the job,
holding no database connection meanwhile, and lets the view answer again. Or it attaches a `Stream`, which is told."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from jobs.models import Job
from jobs.streaming import Stream, told
from jobs.threads import in_thread
from jobs.watch import WATCH
from tenants.callers import caller_of
from tenants.standing import Standing, standing_of
from wire.errors import answers_refusals
from wire.turns import end_turn

# A view may fetch pictures from slow servers, or wait for its turn to decode them.
DOORS = ThreadPoolExecutor(16, thread_name_prefix="door")


@dataclass(frozen=True)
class Wait:
    """What a view attaches to its response as `wait`: for which job, how long, and how to answer afterwards."""

    job: Job
    seconds: float
    answer: Callable[[], HttpResponse]


def waits(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
    """Return an asynchronous door around a synchronous view, for routes whose callers may wait."""

    @csrf_exempt  # the view itself checks sessions for CSRF
    @answers_refusals
    @wraps(view)
    async def door(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        response = await in_thread(view, DOORS)(request, **kwargs)
        end_turn(request)
        stream: Stream | None = getattr(response, "stream", None)
        if stream is not None:
            request.close()  # and with it the files of a form, on disk or in memory
            return told(request, stream)
        wait: Wait | None = getattr(response, "wait", None)
        if wait is None:
            return response
        del response  # with which DRF holds what JSON has said, pictures among it
        request.close()
        await finished(standing_of(request), wait.job, wait.seconds)
        return await in_thread(_answered)(request, wait.answer)

    return door


def _answered(request: HttpRequest, answer: Callable[[], Any]) -> Any:
    """Answer if the caller may still come in: the key may have been revoked while it waited."""
    caller_of(request)
    return answer()


async def finished(standing: Standing, job: Job, seconds: float) -> None:
    """Return when the job has reached a final state, or after so many seconds. Raises ApiError once who waits may not
    come in any more."""
    try:
        async with asyncio.timeout(seconds):
            async for _ in WATCH.changes(standing, job):
                pass
    except TimeoutError:
        return
