"""How does a request follow its job? By server-sent events, which say what their door wants said."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from jobs.guests import Snapshot
from jobs.models import Job
from jobs.threads import in_thread
from jobs.watch import WATCH
from tenants.standing import standing_of
from wire.errors import REFUSALS, ApiError, answers_refusals, translated

SAFE = ("GET", "HEAD")
STILL_HERE = b": still here\n\n"


class Event(NamedTuple):
    """One server-sent event; its id, if any, tells a client how far it was told."""

    name: str
    data: dict[str, Any]
    id: str = ""

    def __bytes__(self) -> bytes:
        """Return the event as it is sent."""
        head = f"id: {self.id}\n" if self.id else ""
        return f"{head}event: {self.name}\ndata: {json.dumps(self.data)}\n\n".encode()


def nothing(_: Any) -> Iterable[Event]:
    """Tell nothing of it."""
    return ()


@dataclass(frozen=True)
class Stream:
    """Which job to follow, and what to tell: of each change, of a preview, of the end. Each may ask the database.

    `previews` is how many of them an attempt may show. `opening` is for clients that cannot read a line about retrying.
    """

    job: Job
    done: Callable[[], Iterable[Event]]
    progress: Callable[[Snapshot], Iterable[Event]] = nothing
    preview: Callable[[bytes], Iterable[Event]] = nothing
    previews: int = 0
    opening: bytes = b"retry: 2000\n\n"


def streams(load: Callable[..., Stream]) -> Callable[..., Any]:
    """Return an asynchronous view of server-sent events around a function that authorises and finds the job."""

    @answers_refusals
    @wraps(load)
    async def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if request.method not in SAFE:
            raise ApiError(405, "method_not_allowed", f'Method "{request.method}" not allowed.', allow=", ".join(SAFE))
        stream = await in_thread(load)(request, **kwargs)
        WATCH.check_room(stream.job.tenant_id)
        return told(request, stream)

    return view


def told(request: HttpRequest, stream: Stream) -> HttpResponseBase:
    """Return the answer that goes on until the job's end.

    An `error` event says why it ends early: the key may have been revoked meanwhile. A client that reconnects is told
    the present state again.
    """
    response = StreamingHttpResponse(_events(request, stream), content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would hold events back
    return response


async def _events(request: HttpRequest, stream: Stream) -> AsyncIterator[bytes]:
    yield stream.opening
    tell = in_thread(_told_to)
    try:
        tells_place = stream.progress is not nothing
        standing = standing_of(request)
        async for news in WATCH.changes(standing, stream.job, previews=stream.previews, place=tells_place):
            if news is None:
                yield STILL_HERE
            elif isinstance(news, bytes):
                yield await tell(stream.preview, news)
            else:
                yield await tell(stream.progress, news)
        yield await tell(stream.done)
    except REFUSALS as refusal:
        yield bytes(Event("error", translated(refusal).body))


def _told_to(tell: Callable[..., Iterable[Event]], *about: Any) -> bytes:
    """Return the events as they are sent."""
    return b"".join(map(bytes, tell(*about)))
