"""Gradio's insides: the only module that touches what Gradio does not publish.

Each function says what it needs and why. `tests/server/test_gradio_adapter.py` holds each of them against the Gradio
that is installed, and says what changed. Nothing here imports Gradio at the top: the process is prepared for it first.
"""

import gc
import inspect
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

# BEFORE GRADIO IS IMPORTED


def write_nothing(*_: object) -> None:
    """Stand in for the function that writes stubs."""


def skip_stubs(component_meta: Any) -> None:  # noqa: ANN401 (a module)
    """Keep Gradio from writing `.pyi` files next to its own source at every start.

    That takes a third of the start and fails on a read-only disk; the package ships the files anyway. Gradio has no
    switch for it. Where a later Gradio has no such function, nothing happens.
    """
    if hasattr(component_meta, "create_or_modify_pyi"):
        component_meta.create_or_modify_pyi = write_nothing


def build_apps_late(blocks: Any) -> None:  # noqa: ANN401 (a module)
    """Let a page get its application when somebody asks for it: `Blocks.app`, `App.create_app`.

    Gradio builds one of a hundred routes whenever a page is entered or its queue is set, three times before mounting
    builds the one that is served. That was half of the processor time from start to first answer. Where a later Gradio
    makes its applications in another way, nothing happens.
    """
    plain: Any = getattr(blocks, "App", None)
    if not hasattr(plain, "create_app") or hasattr(blocks.Blocks, "app"):
        return

    class Late(plain):
        @staticmethod
        def create_app(*_: object, **__: object) -> None:
            """Leave it to whoever asks."""

    def get(page: Any) -> Any:  # noqa: ANN401
        kept = cast("dict[str, Any]", vars(page))
        if kept.get("app") is None:
            kept["app"] = plain.create_app(page, mcp_server=False)
        return kept["app"]

    def keep(page: object, app: object) -> None:
        vars(page)["app"] = app

    blocks.App = Late
    blocks.Blocks.app = property(get, keep)


def leave_alone(_: object) -> None:
    """Change nothing: the module is listed for the way in which it is loaded."""


PATCHES: dict[str, Callable[[Any], None]] = {
    "gradio": leave_alone,
    "gradio.component_meta": skip_stubs,
    "gradio.blocks": build_apps_late,
}
"""What is done to a module of Gradio when it has been imported."""


class PatchingLoader(SourceFileLoader):
    """Loads a module, and then does to it what `PATCHES` says."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with the garbage collector at rest, then the patch.

        Gradio brings two thousand modules, and nothing of them is garbage. To look through them again and again was a
        tenth of the start; frozen, they are not looked through later either.
        """
        collects = gc.isenabled()
        gc.disable()
        try:
            super().exec_module(module)
        finally:
            if collects:
                gc.freeze()
                gc.enable()
        PATCHES[module.__name__](module)


class PatchGradio(MetaPathFinder):
    """Finds the modules of `PATCHES`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find these modules, and nothing else."""
        found = PathFinder.find_spec(fullname, path, target) if fullname in PATCHES else None
        if found is None or found.origin is None:
            return None
        loader, folders = PatchingLoader(fullname, found.origin), found.submodule_search_locations
        return spec_from_file_location(fullname, found.origin, loader=loader, submodule_search_locations=folders)


@dataclass(frozen=True)
class NotInstalled(MetaPathFinder):
    """Says at once that a package is not there, in Python's own words.

    Gradio tries to import matplotlib before and after every event. Python keeps no note of a failure and searches the
    whole path each time.
    """

    package: str

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:  # noqa: ARG002 (Python's names)
        """Find nothing else."""
        if fullname == self.package:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def prepare_imports(missing: str = "matplotlib") -> None:
    """Make the start and every event cheaper; once a process, before Gradio is imported."""
    sys.meta_path.insert(0, PatchGradio())
    if PathFinder.find_spec(missing) is None:
        sys.meta_path.insert(0, NotInstalled(missing))


# EVENTS AND PAGES


def events(demo: "gr.Blocks") -> dict[int, Any]:
    """Give the events of a page by their number: `Blocks.fns`."""
    return cast("dict[int, Any]", demo.fns)


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


def add_to_every_page(demo: "gr.Blocks", add: Callable[[], object]) -> None:
    """Let `add` build one component on top of each page: `Blocks.current_page` says where components land."""
    blocks = cast("Any", demo)
    last = blocks.current_page
    for name, *_ in blocks.pages:
        blocks.current_page = name
        with demo:
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


# FILES


class PublicFolder(str):
    """A folder that the settings open, told apart from those that Gradio opens by itself."""

    __slots__ = ()


def guard_files() -> None:
    """Put our rule in front of Gradio's about which files go out: `gradio.utils.is_allowed_file`, once a process.

    Gradio opens a folder or closes it, and what is closed wins. The project has to be closed but for `assets/`; and the
    list of pieces of a growing sound or film has a path that is none, which Gradio looks up in the current folder.
    """
    from gradio import utils  # noqa: PLC0415 (not before the process is prepared)

    if not hasattr(utils.is_allowed_file, "is_ours"):
        utils.is_allowed_file = rule_for_files(utils.is_allowed_file, Path(cast("Any", utils).__file__).parent)


def rule_for_files(plain: Callable[..., Any], gradio_dir: Path) -> Callable[..., Any]:
    """Make the rule; `plain` is Gradio's, which judges all that is neither public nor such a list."""
    icons = (gradio_dir / "icons").resolve()

    def is_allowed_file(
        path: Path, blocked_paths: Sequence[str], allowed_paths: Sequence[str], created_paths: Sequence[str]
    ) -> tuple[bool, str]:
        real = path.resolve()
        public = [Path(folder).resolve() for folder in allowed_paths if isinstance(folder, PublicFolder)]
        for folder in (icons, *public):
            if real.is_relative_to(folder):
                hidden = any(part.startswith(".") for part in real.relative_to(folder).parts)
                return (False, "in_blocklist") if hidden else (True, "allowed")
        if is_growing_media(real):
            return True, "created"
        rest = [folder for folder in allowed_paths if not isinstance(folder, PublicFolder)]
        return plain(path, blocked_paths, rest, created_paths)

    cast("Any", is_allowed_file).is_ours = True
    return is_allowed_file


def is_growing_media(path: Path) -> bool:
    """Tell whether this is `session/run/component/playlist.m3u8`, for which Gradio reads no file."""
    here = Path(os.getcwd()).resolve()  # noqa: PTH109 (as Gradio asks)
    parts = path.relative_to(here).parts if path.is_relative_to(here) else ()
    return len(parts) == 4 and parts[-1] == "playlist.m3u8" and not path.exists()  # noqa: PLR2004


# CHAT


def chat_handler(demo: "gr.ChatInterface") -> Any:  # noqa: ANN401 (the user's function)
    """Give the function that answers, without what Gradio put around it: `ChatInterface.fn`."""
    return inspect.unwrap(cast("Any", demo).fn)


def runs(event: Any, handler: object) -> bool:  # noqa: ANN401 (Gradio's object)
    """Tell whether an event calls a function, whatever Gradio put around it."""
    return event.fn is not None and inspect.unwrap(event.fn) is handler


def keep_conversations(demo: "gr.ChatInterface", key: str, wrap: Callable[[Any], Any]) -> None:
    """Give the saved conversations of a chat a lasting place in the browser, and wrap the function that saves them.

    Gradio makes key and secret up at every start, and the conversations saved before it cannot be read any more. The
    secret is none: it is sent to every browser. `ChatInterface.saved_conversations`, `._save_conversation`.
    """
    chat = cast("Any", demo)
    chat.saved_conversations.storage_key = chat.saved_conversations.secret = key
    for event in events(demo).values():
        if event.fn == chat._save_conversation:  # noqa: SLF001
            event.fn = wrap(event.fn)
