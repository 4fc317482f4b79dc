"""How does a request wait for its job? The view answers at once and may attach a `Wait`; the door then awaits the job,
holding no database connection meanwhile, and lets the view answer again."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from jobs.models import Job
from jobs.threads import in_thread
from jobs.watch import WATCH
from tenants.callers import caller_of
from wire.errors import REFUSALS, answers_refusals, translated


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
    async def door(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = await in_thread(view)(request, **kwargs)
        wait: Wait | None = getattr(response, "wait", None)
        if wait is None:
            return response
        await finished(wait.job, wait.seconds)
        return await in_thread(_answered)(request, wait.answer)

    return door


def _answered(request: HttpRequest, answer: Callable[[], Any]) -> Any:
    """Answer if the caller may still come in: the key may have been revoked while it waited."""
    caller_of(request)
    return answer()


async def finished(job: Job, seconds: float) -> None:
    """Return when the job has reached a final state, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            async for _ in WATCH.changes(job):
                pass
    except TimeoutError:
        return


@dataclass(frozen=True)
class Stream:
    """What a stream's view returns: which job to watch, and how to show it."""

    job: Job
    render: Callable[[], dict[str, Any]]


def streams(load: Callable[..., Stream]) -> Callable[..., Any]:
    """Return an asynchronous view of server-sent events around a function that authorises and finds the job.

    `progress` tells the whole job on every change, `done` at its end, `error` why the stream ends early. A client that
    reconnects is told the present state again.
    """

    @answers_refusals
    @wraps(load)
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        stream = await in_thread(load)(request, **kwargs)
        WATCH.check_room(stream.job.tenant_id)
        response = StreamingHttpResponse(_events(request, stream), content_type="text/event-stream")
        response["X-Accel-Buffering"] = "no"  # nginx would hold events back
        return response

    return view


async def _events(request: HttpRequest, stream: Stream) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    show = in_thread(_answered)
    try:
        async for snapshot in WATCH.changes(stream.job):
            if snapshot is None:
                yield b": still here\n\n"
            else:
                number = f"{snapshot.attempt}.{snapshot.progress_step}"
                yield _event("progress", await show(request, stream.render), number)
        yield _event("done", await show(request, stream.render))
    except REFUSALS as refusal:
        yield _event("error", translated(refusal).body)


def _event(name: str, data: dict[str, Any], number: str = "") -> bytes:
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()
