"""Gradio's insides: the only module that touches what Gradio does not publish.

Each function says what it needs and why. `tests/server/test_gradio_adapter.py` holds each of them against the Gradio
that is installed, and says what changed. Nothing here imports Gradio at the top: the process is prepared for it first.
"""

import inspect
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from server.queueing import Sessions

log = logging.getLogger("app.server")


# EVENTS AND PAGES


def events(demo: "gr.Blocks") -> dict[int, Any]:
    """Give the events of a page by their number: `Blocks.fns`."""
    return cast("dict[int, Any]", demo.fns)


def parts_of(demo: "gr.Blocks", session: str) -> Any:  # noqa: ANN401
    """Give what a visitor's page has, `.fns` and `.blocks`, with what `gr.render` made: `StateHolder.session_data`."""
    state: Any = cast("Any", demo).state_holder.session_data.get(session)
    return cast("Any", demo).default_config if state is None else state.blocks_config


def named_inputs(demo: "gr.Blocks", event: str) -> dict[str, bool] | None:
    """Name the inputs of an event, each with whether it may be left out; None if there is none: `App.api_info`."""
    info: Any = (cast("Any", demo).app.api_info or demo.get_api_info())["named_endpoints"].get(f"/{event}")
    return info and {part["parameter_name"]: bool(part["parameter_has_default"]) for part in info["parameters"]}


def is_heard(demo: "gr.Blocks", name: str) -> bool:
    """Tell whether there is something to listen to for a session or an event: four tables of `Blocks._queue`."""
    queue = cast("Any", demo)._queue  # noqa: SLF001
    begun = any(name in ids for ids in queue.pending_event_ids_session.values())
    return begun or name in queue.pending_messages_per_session or name in queue.event_ids_to_events


def public_events(demo: "gr.Blocks") -> frozenset[str]:
    """Name the events that programs may call."""
    return frozenset(str(fn.api_name) for fn in events(demo).values() if fn.api_visibility != "private")


def named_private_events(demo: "gr.Blocks") -> list[str]:
    """Name the events that are private although somebody gave them a name; else they are called like their function."""
    named: list[str] = []
    for event in events(demo).values():
        if event.api_visibility == "private" and event.fn is not None:
            own = re.sub(r"[^\w-]", "", getattr(event.fn, "__name__", type(event.fn).__name__))
            name = str(event.api_name)
            if not name.startswith("_") and not {name, re.sub(r"_\d+$", "", name)} & {own, "false"}:
                named.append(name)
    return named


def has_bounded_queue(demo: "gr.Blocks") -> bool:
    """Tell whether there is an end to how many events may wait: `Blocks._queue.max_size`."""
    return cast("Any", demo)._queue.max_size is not None  # noqa: SLF001


def follows_another(demo: "gr.Blocks", number: int) -> bool:
    """Tell whether an event is a link of a chain (`.then`, `.success`).

    Raises:
        KeyError: if there is no such event.

    """
    return events(demo)[number].trigger_after is not None


def page_names(demo: "gr.Blocks") -> frozenset[str]:
    """Name the pages of an app; the first one has an empty name: `Blocks.pages`."""
    return frozenset(str(name) for name, *_ in cast("Any", demo).pages)


def config_of(demo: "gr.Blocks") -> dict[str, Any]:
    """Give what browsers are told about all pages of an app, once it is mounted: `Blocks.config`."""
    return cast("dict[str, Any]", demo.config)


LOOKS = ("theme", "css", "css_paths", "js", "head", "head_paths")
"""What `gr.Blocks` took for the look of a page before Gradio 6."""


def looks_of(demo: "gr.Blocks") -> dict[str, Any]:
    """Give what a page was built with for its look, which only `launch()` reads: `Blocks._deprecated_css` and so on."""
    given = {name: getattr(demo, f"_deprecated_{name}", None) for name in LOOKS}
    return {name: value for name, value in given.items() if value is not None}


def has_auth(demo: "gr.Blocks") -> bool:
    """Tell whether a page names people who may come in, which mounting forgets: `Blocks.auth`."""
    return bool(demo.auth)


def buttons(demo: "gr.Blocks", kind: str) -> list[str]:
    """Name the buttons of a class, such as `DeepLinkButton`; in the config they are buttons like others."""
    blocks = cast("Any", demo).blocks.values()
    return [str(block.value) for block in blocks if kind in {each.__name__ for each in type(block).__mro__}]


def handlers_without(demo: "gr.Blocks", mark: str) -> list[str]:
    """Name the handlers of a page that do not bear a mark, those of Gradio and of the server left out."""
    found: set[str] = set()
    for event in events(demo).values():
        if event.fn is not None and not hasattr(event.fn, mark):
            module = str(getattr(inspect.unwrap(event.fn), "__module__", ""))
            found |= {handler_name(event)} if module.partition(".")[0] not in {"gradio", "server"} else set()
    return sorted(found)


def renders_later(demo: "gr.Blocks") -> bool:
    """Tell whether the page has parts that are made when it is open, by `gr.render`: `Blocks.renderables`."""
    return bool(demo.renderables)


def handler_name(function: Any) -> str:  # noqa: ANN401 (Gradio's object)
    """Name the handler of an event as the error boundary does, whatever Gradio put around it."""
    return str(getattr(inspect.unwrap(function.fn), "__name__", "other"))


def request_of_event() -> Any:  # noqa: ANN401 (Gradio's request, or None)
    """Give the request that the code works for, also where a queue worker runs an event later: `LocalContext`."""
    from gradio.context import LocalContext  # noqa: PLC0415 (not before the process is prepared)

    return LocalContext.request.get(None)


@contextmanager
def opened_again(demo: "gr.Blocks") -> Generator[None]:
    """Enter a page that is built, to add to it.

    When it is left, Gradio attaches the load events of its components, those that have theirs too:
    `Component.load_event_to_attach`.
    """
    parts = cast("list[Any]", list(demo.blocks.values()))
    attached = {part: part.load_event_to_attach for part in parts if getattr(part, "load_event_to_attach", None)}
    for part in attached:
        part.load_event_to_attach = None
    try:
        with demo:
            yield
    finally:
        for part, event in attached.items():
            part.load_event_to_attach = event


def add_to_every_page(demo: "gr.Blocks", add: Callable[[], object]) -> None:
    """Let `add` build one component on top of each page: `Blocks.current_page` says where components land."""
    blocks = cast("Any", demo)
    last = blocks.current_page
    for name, *_ in blocks.pages:
        blocks.current_page = name
        with opened_again(demo):
            add()
        demo.children.insert(0, demo.children.pop())
    blocks.current_page = last


def take_looks(demo: "gr.Blocks") -> dict[str, Any]:
    """Give what `looks_of` gives, and take it from the page, because it goes into a `Page`."""
    found = looks_of(demo)
    for name in found:
        setattr(demo, f"_deprecated_{name}", None)
    return found


# SERVING


def mark_as_launched(demo: "gr.Blocks") -> None:
    """Let Gradio hold inputs and outputs against its list of allowed files; only `launch()` sets this mark."""
    demo.has_launched = True


def set_icon(demo: "gr.Blocks", path: Path | None) -> None:
    """Name the picture of the tab. Mounting takes it too, but for `/` alone, and the app is mounted at ""."""
    demo.favicon_path = str(path) if path else None


def share_sessions(demo: "gr.Blocks", app: "FastAPI") -> None:
    """Let validators see the sessions of the mounted app.

    Gradio runs them on `demo.app`. Mounting leaves that at an app of its own, where every session is new: validators
    would see neither State nor the choices that an event gave a drop-down.
    """
    demo.app = cast("Any", app.routes[-1]).app


def waiting(demo: "gr.Blocks") -> int:
    """Count the events that wait: `Blocks._queue`."""
    return len(cast("Any", demo)._queue)  # noqa: SLF001


@dataclass(frozen=True)
class Inside:
    """What Gradio holds at one moment."""

    known: list[str]
    """Names of all handlers."""
    waiting: Counter[str]
    running: Counter[str]
    sessions: int
    """Open sessions that were used lately."""


def look_inside(demo: "gr.Blocks", ttl: timedelta) -> Inside:
    """Look at the queue and the sessions: `Blocks._queue`, and `App.state_holder`."""
    queue, holder = cast("Any", demo)._queue, cast("Any", demo).app.state_holder  # noqa: SLF001
    queues, jobs = list(queue.event_queue_per_concurrency_id.values()), list(queue.active_jobs)
    since = datetime.now(UTC) - ttl
    closed = {session for session, state in list(holder.session_data.items()) if state.is_closed}
    used = {session for session, last in list(holder.time_last_used.items()) if last.astimezone() > since}
    return Inside(
        known=sorted({handler_name(function) for function in events(demo).values() if function.fn is not None}),
        waiting=Counter(handler_name(event.fn) for each in queues for event in list(each.queue)),
        running=Counter(handler_name(event.fn) for job in jobs if job is not None for event in job),
        sessions=len(used - closed),
    )


# BOUNDS


def bound(point: str, apply: Callable[[], object]) -> None:
    """Set a bound. Where a later Gradio is not made as this one, say so and go on: it serves without this bound."""
    try:
        apply()
    except (AttributeError, ImportError, TypeError) as error:
        log.warning("Gradio is not as it was, so this has no bound: %s: %r", point, error)


def bound_sessions(demo: "gr.Blocks", sessions: "Sessions") -> None:  # noqa: C901 (four small things of one kind)
    """Ask `sessions` before one is made and before a validator runs, and let none go that is in use.

    Gradio keeps the streams of 2,000 sessions and the state of 10,000, and the oldest goes, whoever listens to it:
    `Queue.push`, `.pending_messages_per_session`, `.pending_event_ids_session`, `.event_ids_to_events`,
    `StateHolder.update`.
    """
    from server.queueing import STARTING  # noqa: PLC0415 (it reads settings)

    queue, holder = cast("Any", demo)._queue, cast("Any", demo).app.state_holder  # noqa: SLF001
    plain_queue, plain_holder = cast("Any", type(queue)), cast("Any", type(holder))
    plain_streams = cast("Any", type(queue.pending_messages_per_session))
    # Another Gradio is noticed here and not in an event.
    _ = (plain_queue.push, queue.event_ids_to_events, queue.pending_event_ids_session, plain_holder.update)

    def idle(names: Iterable[str]) -> str | None:
        busy = {event.session_hash for event in queue.event_ids_to_events.values()}
        ids = queue.pending_event_ids_session
        free = (name for name in names if name not in busy and not sessions.is_read(name, *ids.get(name, ())))
        return next(free, None)

    class Streams(plain_streams):
        def __setitem__(self, name: str, stream: object) -> None:
            if name not in self and len(self) >= self.max_size and (oldest := idle(self)) is not None:
                del self[oldest]
                queue.pending_event_ids_session.pop(oldest, None)
            cast("Any", OrderedDict).__setitem__(self, name, stream)

    class BoundQueue(plain_queue):
        async def push(self, body: Any, request: Any, username: str | None) -> Any:  # noqa: ANN401
            parent: Any = super()
            if not has_session(demo, body.session_hash):
                sessions.admit(request.scope)
            state = holder.session_data.get(body.session_hash)  # It has the events of `gr.render` too.
            function = (state.blocks_config if state else self.blocks).fns.get(body.fn_index)
            if function is None or function.validator is None:
                return await parent.push(body=body, request=request, username=username)
            async with sessions.validating(request.scope):
                return await parent.push(body=body, request=request, username=username)

    class BoundHolder(plain_holder):
        def __getitem__(self, session_id: str) -> Any:  # noqa: ANN401
            if not has_session(demo, session_id) and (scope := STARTING.get()) is not None:
                sessions.admit(scope)
            parent: Any = super()
            return parent.__getitem__(session_id)

        def update(self, session_id: str) -> None:
            with self.lock:
                if session_id in self.session_data:
                    self.session_data.move_to_end(session_id)
                others = (name for name in self.session_data if name != session_id)
                if len(self.session_data) > self.capacity and (oldest := idle(others)) is not None:
                    del self.session_data[oldest]
                    self.time_last_used.pop(oldest, None)

    streams = Streams(queue.pending_messages_per_session.max_size)
    queue.pending_messages_per_session = streams
    queue.__class__, holder.__class__ = BoundQueue, BoundHolder


def has_session(demo: "gr.Blocks", name: str | None) -> bool:
    """Tell whether a session has a state or a stream: `StateHolder.session_data`."""
    inside = cast("Any", demo)
    return name in inside.app.state_holder.session_data or name in inside._queue.pending_messages_per_session  # noqa: SLF001


def drop_session(demo: "gr.Blocks", name: str) -> None:
    """Forget the state of a session that has no stream: `StateHolder.session_data`, `.time_last_used`."""
    inside = cast("Any", demo)
    if name not in inside._queue.pending_messages_per_session:  # noqa: SLF001
        inside.app.state_holder.session_data.pop(name, None)
        inside.app.state_holder.time_last_used.pop(name, None)


def forget_sessions(demo: "gr.Blocks", sessions: "Sessions", ttl: float) -> None:
    """Forget what nobody has used for `ttl` seconds: `StateHolder.time_last_used`, `.delete_state`.

    Gradio empties what `gr.State` holds in time, and keeps the rest of a session until 10,000 others have come. One
    with an open page, or with an event under way, stays.
    """
    queue, holder = cast("Any", demo)._queue, cast("Any", demo).app.state_holder  # noqa: SLF001
    since = datetime.now(UTC) - timedelta(seconds=ttl)
    busy = {event.session_hash for event in queue.event_ids_to_events.values()}
    for name, last in list(holder.time_last_used.items()):
        ids = queue.pending_event_ids_session.get(name, ())
        if last.astimezone() < since and name not in busy and not sessions.is_read(name, *ids):
            holder.delete_state(name)
            queue.pending_messages_per_session.pop(name, None)
            queue.pending_event_ids_session.pop(name, None)
            drop_session(demo, name)


def pictures_of_editors(demo: "gr.Blocks") -> dict[str, dict[str, Any]]:
    """Give what image editors hold in memory until an event takes it, by editor: `ImageEditor.blob_storage`."""
    blocks = cast("dict[int, Any]", demo.blocks)
    return {str(number): block.blob_storage for number, block in blocks.items() if hasattr(block, "blob_storage")}


def files_of_page(demo: "gr.Blocks") -> set[str]:
    """Name the files that belong to the page itself, as Gradio does before it deletes: `Block.keep_in_cache`."""
    found: set[str] = set()
    return found.union(*(getattr(block, "keep_in_cache", ()) for block in cast("dict[int, Any]", demo.blocks).values()))
