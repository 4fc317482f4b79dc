"""How does asynchronous code use the database? In a pool thread, whose connection is closed again at once.

Django gives each ASGI request a thread and that thread a connection until the request ends: five hundred waiting
requests would hold five hundred connections.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")


def in_thread(function: Callable[P, R], pool: ThreadPoolExecutor | None = None) -> Callable[P, Awaitable[R]]:
    """Return the function as a coroutine function that holds a thread and a connection only while it runs.

    What may take long brings a pool of its own, so that it holds up none of the short ones.
    """

    @wraps(function)
    def closing(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(closing, thread_sensitive=False, executor=pool)


async def each_in_thread(items: Iterator[R]) -> AsyncIterator[R]:
    """Yield what the iterator yields, holding a thread and a connection only while it makes the next item."""
    following = in_thread(partial(next, items, None))  # no StopIteration, which no future can carry
    while (item := await following()) is not None:
        yield item
