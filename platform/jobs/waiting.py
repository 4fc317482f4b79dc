"""How does a request wait for its job without holding a thread? The view answers at once and may attach a `Wait`;
the door then awaits the job and lets the view answer again."""

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
from jobs.watch import WATCH, Snapshot
from wire import errors
from wire.errors import ApiError


@dataclass(frozen=True)
class Wait:
    """What a view attaches to its response as `wait`: for which job, how long, and how to answer afterwards."""

    job: Job
    seconds: float
    answer: Callable[[], HttpResponse]


def waits(view: Callable[..., HttpResponse]) -> Callable[..., Any]:
    """Return an asynchronous door around a synchronous view, for routes whose callers may wait."""

    @csrf_exempt  # the view itself checks sessions for CSRF
    @wraps(view)
    async def door(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = await in_thread(view)(request, **kwargs)
        wait: Wait | None = getattr(response, "wait", None)
        if wait is None:
            return response
        try:
            await finished(wait.job, wait.seconds)
        except ApiError as error:
            return errors.answer(error)
        return await in_thread(wait.answer)()

    return door


async def finished(job: Job, seconds: float) -> None:
    """Return when the job has reached a final state, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            async for _ in WATCH.changes(type(job), job.pk):
                pass
    except TimeoutError:
        return


def event_stream(job: Job, render: Callable[[], dict[str, Any]]) -> StreamingHttpResponse:
    """Return server-sent events: `progress` with where the job stands on every change, then `done` with the whole job.

    A client that reconnects is simply told the present state again.
    """
    response = StreamingHttpResponse(_events(job, render), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


async def _events(job: Job, render: Callable[[], dict[str, Any]]) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    async for snapshot in WATCH.changes(type(job), job.pk):
        yield b": still here\n\n" if snapshot is None else await _progress(snapshot, render)
    yield _event("done", await in_thread(render)())


async def _progress(snapshot: Snapshot, render: Callable[[], dict[str, Any]]) -> bytes:
    return _event("progress", await in_thread(render)(), f"{snapshot.attempt}.{snapshot.progress_step}")


def _event(name: str, data: dict[str, Any], number: str = "") -> bytes:
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def serves_events(load: Callable[..., StreamingHttpResponse]) -> Callable[..., Any]:
    """Return an asynchronous view around a function that authorises and opens a stream; its refusals become answers."""

    @wraps(load)
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            return await in_thread(load)(request, **kwargs)
        except ApiError as error:
            return errors.answer(error)

    return view
