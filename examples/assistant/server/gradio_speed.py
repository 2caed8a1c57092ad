"""What makes Gradio cheaper to serve. Like `server/gradio_adapter.py`, it touches what Gradio does not publish.

Each trick stands alone. Where a later Gradio is not made as this one, the trick says so in the log and Gradio serves in
its own way; `tests/server/test_gradio_speed.py` notices before that.
"""

import asyncio
import inspect
import logging
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self, cast

from server.asked import Kind, asked

if TYPE_CHECKING:
    import gradio as gr
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("app.server")
events_log = logging.getLogger("app.events")


def put_in_place(owner: Any, name: str, make: Callable[[Any], Any]) -> None:  # noqa: ANN401 (a module or a class)
    """Put a function of ours in the place of Gradio's, once a process: `make` takes the one that is there."""
    plain = getattr(owner, name)
    if not hasattr(plain, "is_ours"):
        ours = make(plain)
        ours.is_ours = True
        setattr(owner, name, ours)


def quicken(demo: "gr.Blocks") -> None:
    """Apply every trick to a page that is mounted, before it is served."""
    for trick in TRICKS:
        try:
            trick(demo)
        except (AttributeError, ImportError, TypeError, ValueError) as error:
            log.warning("Gradio is not as it was, so it serves in its own way: %s: %r", trick.__name__, error)


# THE QUEUE WAKES: Gradio looks a thousand times a second whether there is work, which takes 4 % of a core


class Nap(float):
    """How long Gradio's queue sleeps before it looks again: the number that Gradio set, with a bell that ends it.

    The queue then looks when something has happened, and once a second in any case.
    """

    longest = 1.0
    """Seconds."""

    waiters: "set[asyncio.Future[None]]"
    rung: bool

    def __new__(cls, seconds: float) -> Self:
        """Sleep for nobody yet."""
        nap = super().__new__(cls, seconds)
        nap.waiters, nap.rung = set(), False
        return nap

    def is_needed(self) -> bool:
        """Tell whether to look as often as Gradio does."""
        return False

    def ring(self) -> None:
        """End this nap, or the next one if none is taken."""
        self.rung = True
        for waiter in tuple(self.waiters):  # Tests run one queue in several loops.
            waiter.get_loop().call_soon_threadsafe(wake, waiter)

    async def take(self) -> None:
        """Sleep until the bell rings."""
        if self.is_needed():
            await asyncio.sleep(float(self))
            return
        if not self.rung:
            loop = asyncio.get_running_loop()
            waiter = loop.create_future()
            self.waiters.add(waiter)
            timer = loop.call_later(self.longest, wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self.waiters.discard(waiter)
        self.rung = False


def wake(waiter: "asyncio.Future[None]") -> None:
    """End one nap."""
    if not waiter.done():
        waiter.set_result(None)


class NapWithoutEvents(Nap):
    """For the progress of events: as often as Gradio looks while there are some."""

    queue: Any = None

    def is_needed(self) -> bool:
        """Tell whether an event is running."""
        return any(self.queue.active_jobs)


class StandIn(ModuleType):
    """Stands in for a module in one module of Gradio: it has a function of its own, everything else is as it was."""

    def __init__(self, module: ModuleType) -> None:
        """Stand in for `module`."""
        super().__init__(module.__name__)
        self.module = module

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Give what the module has."""
        return getattr(self.module, name)


class Sleeper(StandIn):
    """Stands in for `asyncio` in `gradio.queueing`: naps are taken."""

    @staticmethod
    async def sleep(delay: float, result: object = None) -> object:
        """Sleep, or take a nap."""
        if isinstance(delay, Nap):
            await delay.take()
            return result
        return await asyncio.sleep(delay, result)


def wake_queue(demo: "gr.Blocks") -> None:
    """Ring when there is work: `Queue.sleep_when_free`, `.push`, `.process_events`, `.reset_iterators`, `.close`.

    Work becomes possible when an event was pushed, and when another one ends, directly before `reset_iterators`.
    """
    from gradio import queueing  # noqa: PLC0415 (not before the process is prepared)

    queue = cast("Any", demo)._queue  # noqa: SLF001
    plain = cast("Any", type(queue))
    free, progress = Nap(queue.sleep_when_free), NapWithoutEvents(queue.progress_update_sleep_when_free)
    progress.queue = queue
    # Another Gradio is noticed here and not in an event.
    _ = (plain.push, plain.process_events, plain.reset_iterators, plain.close, queue.active_jobs)

    class WakingQueue(plain):
        async def push(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            parent: Any = super()
            answer = await parent.push(*args, **options)
            free.ring()
            return answer

        async def process_events(self, *args: Any, **options: Any) -> None:  # noqa: ANN401
            progress.ring()
            try:
                parent: Any = super()
                await parent.process_events(*args, **options)
            finally:
                free.ring()

        async def reset_iterators(self, event_id: str) -> None:
            free.ring()
            parent: Any = super()
            await parent.reset_iterators(event_id)

        def close(self) -> None:
            parent: Any = super()
            parent.close()
            free.ring()
            progress.ring()

    cast("Any", queueing).asyncio = Sleeper(asyncio)
    queue.sleep_when_free, queue.progress_update_sleep_when_free = free, progress
    queue.__class__ = WakingQueue


# FEWER THREADS: each change of thread costs as much as the event itself


def is_due(queue: Any) -> bool:  # noqa: ANN401 (Gradio's object, and its spelling)
    """Tell whether Gradio would sum its events up now."""
    return queue.events_recorded - queue.event_count_at_last_cache >= queue.ANAYLTICS_CACHE_FREQUENCY


def skip_empty_summaries(demo: "gr.Blocks") -> None:
    """Start no thread after each event for a summary that is not due: `gradio.queueing.run_sync`."""
    from gradio import queueing  # noqa: PLC0415

    queue = cast("Any", demo)._queue  # noqa: SLF001
    name = queue.compute_analytics_summary.__name__
    is_due(queue)  # Another Gradio is noticed here and not in an event.

    def make(plain: Any) -> Any:  # noqa: ANN401
        async def run_sync(function: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            if getattr(function, "__name__", "") == name and not is_due(function.__self__):
                return function.__self__.cached_event_analytics_summary
            return await plain(function, *args, **options)

        return run_sync

    put_in_place(queueing, "run_sync", make)


def check_login_at_once(_: "gr.Blocks") -> None:
    """Start no thread for Gradio's login check, which compares two values: `run_in_threadpool` of FastAPI."""
    from fastapi.dependencies import utils  # noqa: PLC0415

    def make(plain: Any) -> Any:  # noqa: ANN401
        async def run_in_threadpool(function: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            if getattr(function, "__name__", "") == "login_check" and function.__module__ == "gradio.routes":
                return function(*args, **options)
            return await plain(function, *args, **options)

        return run_in_threadpool

    put_in_place(utils, "run_in_threadpool", make)


class InTheLoop(StandIn):
    """Stands in for `anyio.to_thread` in `gradio.blocks`: a short text becomes an input or output without a thread."""

    longest = 10_000
    """Characters."""
    kinds: frozenset[type]
    """Components of Gradio that only pass such a value on. One that is derived from them may do anything."""

    def is_short(self, function: Any, args: tuple[object, ...]) -> bool:  # noqa: ANN401
        """Tell whether a component only looks at a value that is no longer than a page of text."""
        named = getattr(function, "__name__", "") in {"preprocess", "postprocess"}
        if not named or type(getattr(function, "__self__", None)) not in self.kinds:
            return False
        return all(
            type(value) in {bool, int, float, type(None)} or (type(value) is str and len(value) <= self.longest)
            for value in args
        )

    async def run_sync(self, function: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Call at once, or in a thread."""
        if self.is_short(function, args):
            return function(*args)
        return await self.module.run_sync(function, *args, **options)


def pass_short_text_on(_: "gr.Blocks") -> None:
    """Start no thread for the values of plain components: `anyio` in `gradio.blocks`."""
    import anyio.to_thread  # noqa: PLC0415
    import gradio as gr  # noqa: PLC0415
    from gradio import blocks  # noqa: PLC0415

    _ = cast("Any", blocks).anyio.to_thread.run_sync
    within, around = InTheLoop(anyio.to_thread), StandIn(anyio)
    within.kinds = frozenset({gr.Textbox, gr.Number, gr.Slider, gr.Checkbox, gr.Radio, gr.Markdown})
    cast("Any", around).to_thread = within
    cast("Any", blocks).anyio = around


# LESS WORK FOR EACH MESSAGE: an answer in pieces takes these steps for every piece


def see_at_once_who_left(_: "gr.Blocks") -> None:
    """Ask the server whether a visitor has left, and start no wait only to cancel it: `Request.is_disconnected`.

    uvicorn keeps it as `disconnected`; where another server runs, Starlette's own way is taken.
    """
    from starlette.requests import Request  # noqa: PLC0415

    def make(plain: Any) -> Any:  # noqa: ANN401
        async def is_disconnected(request: Request) -> bool:
            cycle = getattr(cast("Any", request)._receive, "__self__", None)  # noqa: SLF001
            known = getattr(cycle, "disconnected", None)
            return known if isinstance(known, bool) else await plain(request)

        return is_disconnected

    put_in_place(Request, "is_disconnected", make)


class Waiter(StandIn):
    """Stands in for `asyncio` in `gradio.routes`: waits as Python 3.12 does, where 3.11 makes a task for each wait."""

    @staticmethod
    async def wait_for(awaitable: Any, timeout: float | None) -> Any:  # noqa: ANN401, ASYNC109 (Python's names)
        """Wait, but not longer than `timeout` seconds."""
        async with asyncio.timeout(timeout):
            return await awaitable


def wait_without_task(_: "gr.Blocks") -> None:
    """Make no task for each message of an answer: `asyncio.wait_for` in `gradio.routes`."""
    from gradio import routes  # noqa: PLC0415

    _ = cast("Any", routes).asyncio.wait_for
    cast("Any", routes).asyncio = Waiter(asyncio) if sys.version_info < (3, 12) else asyncio


class Memory(StandIn):
    """Stands in for `inspect` in `gradio.blocks`: what a component takes is read from its class once."""

    @staticmethod
    def signature(function: Any, **options: Any) -> inspect.Signature:  # noqa: ANN401
        """Remember it for constructors; a handler may live for one visitor only."""
        if getattr(function, "__name__", "") == "__init__" and not options:
            return of_constructor(function)
        return inspect.signature(function, **options)


of_constructor = lru_cache(maxsize=500)(inspect.signature)


def remember_signatures(_: "gr.Blocks") -> None:
    """Read no constructor again for each `gr.State` that is set and each new session: `inspect` in `gradio.blocks`."""
    from gradio import blocks  # noqa: PLC0415

    _ = cast("Any", blocks).inspect.signature
    cast("Any", blocks).inspect = Memory(inspect)


# THE WAY TO GRADIO: its hundred routes are tried one by one, and those of an event are among the last

HOT = ("/queue/join", "/queue/data")


def put_hot_routes_first(demo: "gr.Blocks") -> None:
    """Try the routes of an event first: the router that FastAPI keeps in an app's routes, `.original_router`."""
    routes = cast("Any", demo).app.router.routes
    [included] = [route for route in routes if any(path_of(one).endswith(HOT) for one in inside(route))]
    routes.remove(included)
    routes.insert(0, included)
    ours = included.original_router.routes
    hot = [route for route in ours if path_of(route).endswith(HOT)]
    ours[:] = [*hot, *(route for route in ours if route not in hot)]


def inside(route: Any) -> list[Any]:  # noqa: ANN401
    """Give the routes of an included router."""
    return list(getattr(getattr(route, "original_router", None), "routes", ()))


def path_of(route: Any) -> str:  # noqa: ANN401
    """Give the path of a route."""
    return str(getattr(route, "path", ""))


class Straight:
    """The innermost layer: hands over to Gradio what is Gradio's, past the routes and layers of FastAPI around it."""

    def __init__(self, app: "ASGIApp", demo: "gr.Blocks") -> None:
        """Stand in front of `app`."""
        self.app, self.demo = app, demo

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one connection."""
        is_gradio_s = scope["type"] == "http" and scope["path"].startswith("/gradio_api/")
        straight = is_gradio_s and asked(scope).kind is not Kind.CLOSED
        await (cast("ASGIApp", self.demo.app) if straight else self.app)(scope, receive, send)


# NOTHING BESIDE THE LOG: what Gradio prints has no request and no bound, and holds what visitors send


class ToTheLog(StandIn):
    """Stands in for `traceback` in Gradio: the trace of an event that fails becomes a record."""

    @staticmethod
    def print_exc(*_: object, **__: object) -> None:
        """Log the error that is handled now."""
        events_log.exception("an event failed")


def log_traces(_: "gr.Blocks") -> None:
    """Log what `gradio.queueing` and `gradio.routes` print: `traceback.print_exc`, and why a validator failed."""
    import traceback  # noqa: PLC0415

    from gradio import queueing, routes  # noqa: PLC0415

    for module in (cast("Any", queueing), cast("Any", routes)):
        _ = module.traceback.print_exc
        module.traceback = ToTheLog(traceback)
    cast("Any", queueing).print = partial(events_log.warning, "a validator failed: %s")


TRICKS = (
    log_traces,
    wake_queue,
    skip_empty_summaries,
    check_login_at_once,
    pass_short_text_on,
    see_at_once_who_left,
    wait_without_task,
    remember_signatures,
    put_hot_routes_first,
)
