"""A Gradio script that is there already, served as it is: `adopt("my_old_app.py")`.

The script runs once, at start, as `python my_old_app.py` would run it; but what it launches is not served by itself. It
is handed to `create_app` with what its `launch()` said about the page.
"""

import ast
import asyncio
import inspect
import logging
import math
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast

import gradio as gr
import gradio.routes
import uvicorn
from fastapi import FastAPI

from server import application, gone
from server.gone import ELSEWHERE, ON_THE_PAGE, SETTINGS, SIGN_IN
from server.gradio_adapter import take_looks
from server.page import Page, listed
from server.queueing import queue_options
from server.settings import ASSETS, PROJECT_DIR, ServerSettings, read_settings

log = logging.getLogger("app.adopt")

LOOKS = frozenset(item.name for item in fields(Page))
QUEUE = {"max_size": "APP_QUEUE_SIZE", "default_concurrency_limit": "APP_CONCURRENCY"}
"""Arguments of `queue()` that a script may choose, and the settings that stand in for them."""
DOCS = frozenset({"openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html"})
"""Names of the routes that every FastAPI has."""


@dataclass(frozen=True)
class Adopted:
    """What a script brings."""

    demo: gr.Blocks
    """With its queue set."""
    page: Page
    """What it said about the looks: `create_app(..., page=adopted.page)`."""
    notes: tuple[str, ...]
    """A line for each thing that it asked for and that another place has to do."""


class Launch(NamedTuple):
    """A call of `launch()` or `mount_gradio_app()`."""

    call: str
    demo: gr.Blocks
    given: dict[str, Any]
    """Arguments that ask for something."""


@dataclass
class Record:
    """What a script does while it runs."""

    port: int
    launches: list[Launch] = field(default_factory=list[Launch])
    queues: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    """Arguments of `queue()`, by the id of the page."""
    apps: list[FastAPI] = field(default_factory=list[FastAPI])
    static: list[Path] = field(default_factory=list[Path])
    serves: bool = False
    """Whether the script calls uvicorn."""

    @contextmanager
    def listening(self) -> Generator[None]:
        """Take over what starts a server, until the script has run."""
        plain, queue, static = gr.Blocks.launch, gr.Blocks.queue, gr.set_static_paths
        mount = cast("Callable[..., FastAPI]", cast("Any", gr).mount_gradio_app)

        def launch(demo: gr.Blocks, *args: object, **options: object) -> tuple[FastAPI, str, str]:
            given = bound("launch", plain, demo, *args, **options)
            self.launches.append(Launch("launch", demo, asked(given, plain)))
            demo.server_port = cast("int", given.get("server_port") or self.port)
            demo.local_url = f"http://127.0.0.1:{demo.server_port}/"
            self.apps.append(FastAPI())
            return self.apps[-1], demo.local_url, ""

        def mounted(*args: object, **options: object) -> FastAPI:
            given = bound("mount_gradio_app", mount, *args, **options)
            self.launches.append(Launch("mount_gradio_app", given["blocks"], asked(given, mount)))
            self.apps.append(given["app"])
            return given["app"]

        def queued(demo: gr.Blocks, *args: object, **options: object) -> gr.Blocks:
            self.queues[id(demo)] = bound("queue", queue, demo, *args, **options)
            return cast("Any", queue)(demo, *args, **options)

        def opened(paths: Any) -> None:  # noqa: ANN401 (Gradio's own)
            self.static += [Path(path).resolve() for path in listed(paths)]
            static(paths)

        def serve(*_: object, **__: object) -> None:
            self.serves = True

        async def serve_later(*_: object, **__: object) -> None:
            self.serves = True

        changes: list[tuple[Any, str, Any]] = [
            (gr.Blocks, "launch", launch),
            (gr.Blocks, "queue", queued),
            (gr, "set_static_paths", opened),
            (gr, "mount_gradio_app", mounted),
            (gradio.routes, "mount_gradio_app", mounted),
            (uvicorn, "run", serve),
            (uvicorn.Server, "run", serve),
            (uvicorn.Server, "serve", serve_later),
        ]
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
        try:
            for owner, name, new in changes:
                setattr(owner, name, new)
            yield
        finally:
            for owner, name, old in before:
                setattr(owner, name, old)


def bound(name: str, function: Callable[..., Any], *args: object, **options: object) -> dict[str, Any]:
    """Give each argument of a call by its name.

    Raises:
        TypeError: as the function itself would.

    """
    try:
        return inspect.signature(function).bind(*args, **options).arguments
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None


def asked(given: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    """Leave out the arguments that ask for nothing."""
    usual = {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}
    return {
        name: value
        for name, value in given.items()
        if name != "self" and value is not None and value is not False and value is not usual[name]
    }


def adopt(script: str | Path, settings: ServerSettings | None = None) -> Adopted:
    """Run a script of Gradio 5 or 6, and give the page that it launches, or else its last `gr.Blocks`.

    Args:
        script: Its path, seen from the project.
        settings: The settings; those of the environment, if none are given.

    Raises:
        SystemExit: one line that says what to change.

    """
    settings = settings or read_settings(ServerSettings)
    path = (PROJECT_DIR / script).resolve()
    if not path.is_file():
        raise SystemExit(f"adopt: there is no file {path}. Give a path seen from the project.")
    record = Record(settings.port)
    names = beside_loop(lambda: run(path, record))
    launch, notes = chosen(path, record, names)
    if refused := sorted(SIGN_IN & launch.given.keys()):
        if application.auth_mode.__name__ == "server.access.base":
            reason = "who may come in is an answer of the project: uvx copier update -d auth_mode=password"
            raise SystemExit(f"{path.name}: {launch.call}({refused[0]}=) is refused: {reason}")
        notes.append(f"{launch.call}({refused[0]}=) is left out: the auth mode of this project says who may come in")
    notes += [*about_launch(launch, settings), *about_routes(record)]
    notes += [*about_files(path, launch, record, settings), *set_queue(launch.demo, record, settings)]
    for name in ON_THE_PAGE & launch.given.keys():
        setattr(launch.demo, name, launch.given[name])
    launch.demo.delete_cache = launch.demo.delete_cache or (settings.file_ttl, settings.file_ttl)
    lines = tuple(f"{path.name}: {note}" for note in notes)
    for line in lines:
        log.warning("%s", line)
    return Adopted(launch.demo, looks(path.parent, launch), lines)


def beside_loop(job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Call a function where no event loop runs, so that it may start one; uvicorn imports `app.py` within its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return job()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(job).result()


# RUNNING


def run(path: Path, record: Record) -> dict[str, Any]:
    """Run the script as the main program, and give its names.

    Raises:
        SystemExit: one line, if it fails.

    """
    module, before, arguments = ModuleType("__main__"), sys.modules["__main__"], sys.argv
    module.__file__ = str(path)
    folder = str(path.parent)
    sys.modules["__main__"], sys.argv = module, [str(path)]
    sys.path.insert(0, folder)
    try:
        with chdir(folder), record.listening(), warnings.catch_warnings():
            warnings.simplefilter("default")  # what is out of date in it is no reason to stop, in tests neither
            for quiet in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", quiet)
            warnings.filterwarnings("ignore", "The parameters have been moved")  # taken over from there
            exec(compile(path.read_bytes(), path, "exec", dont_inherit=True), vars(module))  # noqa: S102
    except SystemExit as error:
        if error.code not in {None, 0}:
            raise SystemExit(f"{path.name} ends by itself: {error.code}") from None
    except Exception as error:  # noqa: BLE001 (whatever it is, it is said in one line)
        raise SystemExit(one_line(error, path)) from None
    finally:
        sys.modules["__main__"], sys.argv = before, arguments
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)  # what it imports later is still found, after everything else
    make_known(module, path)
    return vars(module)


def make_known(module: ModuleType, path: Path) -> None:
    """Let pools of processes find the script's functions: by the name of its file, and as parts of the main program."""
    names = {name: value for name, value in vars(module).items() if not name.startswith("__")}
    for name, value in names.items():
        vars(sys.modules["__main__"]).setdefault(name, value)
    known = sys.modules.get(path.stem)
    if known is None or getattr(known, "__file__", None) == module.__file__:
        sys.modules[path.stem], module.__name__ = module, path.stem
        for value in names.values():
            if inspect.isfunction(value) or inspect.isclass(value):
                value.__module__ = path.stem if value.__module__ == "__main__" else value.__module__


def one_line(error: BaseException, path: Path) -> str:
    """Say where the script failed, and why."""
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or path).name}:{error.lineno}: SyntaxError: {error.msg}"
    frame = next(frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if is_own(frame.filename, path))
    named = re.search(r"(\w+)(?:\.__init__)?\(\)", str(error))
    call = called(frame) or (named[1] if named else "")
    text = gone.explain(error, call) or " ".join(f"{type(error).__name__}: {error}".split())
    return f"{Path(frame.filename).name}:{frame.lineno}: {text}"


def is_own(file: str, script: Path) -> bool:
    """Tell whether a file is the script or lies beside it, packages and the plumbing left out."""
    inner = Path(file).parts[len(script.parent.parts) :] if Path(file).is_relative_to(script.parent) else ()
    return file == str(script) or (
        bool(inner) and "site-packages" not in inner and not Path(file).is_relative_to(PROJECT_DIR / "server")
    )


def called(frame: traceback.FrameSummary) -> str:
    """Name what was called at the place of a frame, or nothing."""
    place = (frame.lineno, frame.colno, frame.end_lineno, frame.end_colno)
    for node in ast.walk(ast.parse(Path(frame.filename).read_bytes())):
        if isinstance(node, ast.Call) and place == (
            node.lineno,
            node.col_offset,
            node.end_lineno,
            node.end_col_offset,
        ):
            name = ast.unparse(node.func).rpartition(".")[2]
            return "" if name == "__init__" else name
    return ""


# WHAT IT ASKED FOR


def chosen(path: Path, record: Record, names: dict[str, Any]) -> tuple[Launch, list[str]]:
    """Choose the page that is served, and say so if there were several.

    Raises:
        SystemExit: one line, if there is none.

    """
    if record.launches:
        more = f"it launches {len(record.launches)} times; the last one is served"
        return record.launches[-1], [more] if len(record.launches) > 1 else []
    pages = {name: value for name, value in names.items() if isinstance(value, gr.Blocks)}
    if not pages:
        raise SystemExit(f"{path.name}: it launches nothing and has no gr.Blocks among its names. Give one a name.")
    name = "demo" if "demo" in pages else list(pages)[-1]
    more = f"it launches nothing; of its pages {', '.join(pages)} the one named {name} is served"
    return Launch("launch", pages[name], {}), [more] if len(pages) > 1 else []


def looks(folder: Path, launch: Launch) -> Page:
    """Give what the script says about the looks, to `launch()` or, as in Gradio 5, to the page itself."""
    given = take_looks(launch.demo) | {name: value for name, value in launch.given.items() if name in LOOKS}
    for name in ("css_paths", "head_paths"):
        if name in given:
            given[name] = [folder / path for path in listed(given[name])]
    return Page(**given)


def about_launch(launch: Launch, settings: ServerSettings) -> Iterator[str]:
    """Say what else does the job of arguments that are not taken over."""
    for name, value in launch.given.items():
        if name in ELSEWHERE:
            yield f"{launch.call}({name}=) is left out: {ELSEWHERE[name]}"
        elif name == "path" and value not in {"", "/"}:
            yield f"{launch.call}(path={value!r}) is left out: the page is at /; behind a proxy there is APP_ROOT_PATH"
        elif name in SETTINGS:
            setting, line = SETTINGS[name]
            wanted = megabytes(value) if name == "max_file_size" else value
            if str(getattr(settings, setting)) != str(wanted):
                yield f"{launch.call}({name}={value!r}) is a setting here: {line.format(wanted)}"


def megabytes(size: str | int) -> int:
    """Read a size as Gradio does, a number of bytes or `5mb`, in full megabytes."""
    found = re.fullmatch(r"\s*(\d+)\s*([kmgt]?)b?\s*", str(size).lower())
    return max(1, math.ceil(int(found[1]) * 1024 ** (" kmgt".index(found[2] or " ") - 2))) if found else 1


def about_routes(record: Record) -> Iterator[str]:
    """Say where routes of the script's own go."""
    routes = [route for app in record.apps for route in app.routes if getattr(route, "name", "") not in DOCS]
    if routes:
        paths = ", ".join(str(getattr(route, "path", "those of a router")) for route in routes)
        yield f"its own routes are left out ({paths}): put them into a router, create_app(..., routers=[router])"
    if record.serves:
        yield "uvicorn is left out: APP_HOST, APP_PORT and APP_PUBLIC say where the app is"


def about_files(path: Path, launch: Launch, record: Record, settings: ServerSettings) -> Iterator[str]:
    """Say which files that the script opens are closed here."""
    public = [folder.resolve() for folder in (ASSETS, *settings.public_folders)]
    wanted = [(path.parent / Path(name)).resolve() for name in launch.given.get("allowed_paths", ())]
    for file in (*wanted, *record.static):
        if not any(file.is_relative_to(folder) for folder in public):
            place = "put it into assets/, or name its folder in APP_PUBLIC_FOLDERS"
            yield f"{os.path.relpath(file, path.parent)} is closed to visitors: {place}"


def set_queue(demo: gr.Blocks, record: Record, settings: ServerSettings) -> Iterator[str]:
    """Bound the queue: by what the script said, or else by the settings."""
    said = record.queues.get(id(demo), {})
    own = {name: said[name] for name in QUEUE if said.get(name) not in {None, "not_set"}}
    demo.queue(**cast("Any", {**queue_options(settings), **own}))
    yield from (f"queue({name}={value!r}) is used, and not {QUEUE[name]}" for name, value in own.items())
