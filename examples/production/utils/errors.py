"""The one error boundary between handlers and users."""

import inspect
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

import gradio as gr
from gradio.context import LocalContext

from utils.logs import request_id
from utils.preprocess import InputError

log = logging.getLogger("app.events")

Handler = TypeVar("Handler", bound=Callable[..., Any])


@contextmanager
def translated(handler: str) -> Generator[None]:
    """Turn every exception into a `gr.Error` with an id that is also in the log.

    What a user can put right (`InputError`) is shown as it is; anything else is logged in full and shown as a
    generic message, because its text may hold paths, queries or secrets.
    """
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        error_id = uuid.uuid4().hex[:8]
        facts = {"handler": handler, "error_id": error_id, "request_id": current_request_id()}
        if isinstance(error, InputError):
            log.info("%s refused its input: %s", handler, error, extra=facts)
            text, title = f"{error} (id {error_id})", str(getattr(error, "title", "Please check your input"))
        else:
            log.exception("%s failed", handler, extra=facts)
            text, title = f"Something went wrong on our side. Please report the id {error_id}.", "Error"
        raise gr.Error(text, title=title, print_exception=False) from error


def current_request_id() -> str:
    """Give the id of the request that started the event, also where a queue worker runs it later."""
    request = cast("Any", LocalContext.request.get(None))
    state = getattr(request, "state", None)
    return str(getattr(state, "request_id", request_id.get()))


def boundary(handler: Handler) -> Handler:
    """Put a handler behind the error boundary. Works for functions and generators, sync and async."""
    if inspect.isasyncgenfunction(handler):
        guarded = _guard_async_stream(handler)
    elif inspect.iscoroutinefunction(handler):
        guarded = _guard_coroutine(handler)
    elif inspect.isgeneratorfunction(handler):
        guarded = _guard_stream(handler)
    else:
        guarded = _guard_function(handler)
    cast("Any", guarded).is_guarded = True
    return cast("Handler", guarded)


def _guard_async_stream(handler: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    @wraps(handler)
    async def guarded(*args: object, **kwargs: object) -> AsyncIterator[Any]:
        # Closed here and not by the garbage collector, so that Stop reaches the model at once.
        with translated(handler.__name__):
            async with aclosing(handler(*args, **kwargs)) as stream:
                async for item in stream:
                    yield item

    return guarded


def _guard_coroutine(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    async def guarded(*args: object, **kwargs: object) -> object:
        with translated(handler.__name__):
            return await handler(*args, **kwargs)

    return guarded


def _guard_stream(handler: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    @wraps(handler)
    def guarded(*args: object, **kwargs: object) -> Iterator[Any]:
        with translated(handler.__name__):
            yield from handler(*args, **kwargs)

    return guarded


def _guard_function(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    def guarded(*args: object, **kwargs: object) -> object:
        with translated(handler.__name__):
            return handler(*args, **kwargs)

    return guarded
