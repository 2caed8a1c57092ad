"""The one error boundary between handlers and users."""

import inspect
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, Self, TypeVar, cast

import gradio as gr

from server.logs import origin, report

log = logging.getLogger("app.events")

unfit_value: ContextVar[bool] = ContextVar("unfit_value", default=False)
"""Whether a value of the current event is none that its component takes."""

GUARDED = "is_guarded"
"""The mark of a handler that stands behind the boundary."""
Handler = TypeVar("Handler", bound=Callable[..., Any])
Chunk = TypeVar("Chunk")


def for_visitor(error: object) -> bool:
    """Tell whether the text of an error is meant for the visitor: its class says so by `for_visitor = True`.

    So services need no import of the server; `InputError` of `services/errors.py` is such a class.
    """
    return getattr(error, "for_visitor", False) is True


@contextmanager
def translated(handler: str) -> Generator[None]:
    """Turn every exception into a `gr.Error` with an id that is also in the log.

    What a visitor can put right (see `for_visitor`) is shown as it is; anything else is logged in full and shown as a
    generic message, because its text may hold paths, queries or secrets. A validator stands behind this alone: it is
    no event.
    """
    try:
        yield
    except gr.Error:
        raise
    except Exception as error:
        error_id = uuid.uuid4().hex[:8]
        facts = {"handler": handler, "error_id": error_id}
        if for_visitor(error):
            log.info("%s refused its input: %s", handler, error, extra=facts)
            text, title = f"{error} (id {error_id})", str(getattr(error, "title", "Please check your input"))
        else:
            log.exception("%s failed", handler, extra=facts)
            raise unexpected(error_id) from error
        raise gr.Error(text, title=title, print_exception=False) from error


def unexpected(error_id: str) -> gr.Error:
    """Give what a visitor sees of an error whose text is not for them; the log has it under this id."""
    text = f"Something went wrong on our side. Please report the id {error_id}."
    return gr.Error(text, title="Error", print_exception=False)


class Event:
    """One run of a handler, from its start to the line in the log that says how it ended."""

    def __init__(self, handler: str) -> None:
        """Start the clock."""
        # Asked now: a stream that is stopped ends in a place that knows nothing of its request.
        self.facts: dict[str, Any] = {"handler": handler, **origin()}
        self.started = time.perf_counter()

    def seconds(self) -> float:
        """Tell how long the event has been running."""
        return round(time.perf_counter() - self.started, 4)

    def shows(self, chunk: Chunk) -> Chunk:
        """Pass a chunk on, and note when the first one came."""
        if "first_seconds" not in self.facts:
            self.facts["first_seconds"] = self.seconds()
        return chunk

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Report the outcome: ok, refused (for the user to put right), failed or stopped."""
        if kind is None:
            outcome = "ok"
        elif issubclass(kind, gr.Error) or for_visitor(kind):
            outcome = "refused"
        else:  # Streams are stopped by a `GeneratorExit`, tasks by a `CancelledError`: both are no `Exception`.
            outcome = "failed" if issubclass(kind, Exception) else "stopped"
        self.facts |= {"outcome": outcome, "seconds": self.seconds()}
        if outcome in {"refused", "failed"}:
            self.facts["error"] = getattr(kind, "__name__", "")
        report(log, logging.INFO, "%(handler)s: %(outcome)s after %(seconds)ss", self.facts)


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
    setattr(guarded, GUARDED, True)
    return cast("Handler", guarded)


def _guard_async_stream(handler: Callable[..., Any]) -> Callable[..., AsyncIterator[Any]]:
    @wraps(handler)
    async def guarded(*args: object, **kwargs: object) -> AsyncIterator[Any]:
        # Closed here and not by the garbage collector, so that Stop reaches the model at once.
        with translated(handler.__name__), Event(handler.__name__) as event:
            async with aclosing(handler(*args, **kwargs)) as stream:
                async for chunk in stream:
                    yield event.shows(chunk)

    return guarded


def _guard_coroutine(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    async def guarded(*args: object, **kwargs: object) -> object:
        with translated(handler.__name__), Event(handler.__name__):
            return await handler(*args, **kwargs)

    return guarded


def _guard_stream(handler: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    @wraps(handler)
    def guarded(*args: object, **kwargs: object) -> Iterator[Any]:
        with (
            translated(handler.__name__),
            Event(handler.__name__) as event,
            closing(handler(*args, **kwargs)) as stream,
        ):
            for chunk in stream:
                yield event.shows(chunk)

    return guarded


def _guard_function(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    def guarded(*args: object, **kwargs: object) -> object:
        with translated(handler.__name__), Event(handler.__name__):
            return handler(*args, **kwargs)

    return guarded


def refuse_unfit_values(demo: gr.Blocks) -> None:
    """Put what components raise over a value that is none of theirs behind the boundary too.

    It comes before the handler, and is a visitor's doing or a component's, so it is one line and no trace.
    """
    plain: Any = demo.preprocess_data

    async def preprocess_data(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return await plain(*args, **options)
        except gr.Error as error:
            unfit_value.set(True)
            error.print_exception = False
            raise
        except Exception as error:
            unfit_value.set(True)
            error_id = uuid.uuid4().hex[:8]
            log.warning("a value does not fit its component: %r", error, extra={"error_id": error_id})
            text = f"The value of an input cannot be used. (id {error_id})"
            raise gr.Error(text, title="Please check your input", print_exception=False) from error

    cast("Any", demo).preprocess_data = preprocess_data
