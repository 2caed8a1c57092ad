"""The plumbing, kept up to date by the template: settings, serving, gate, access, errors, logs.

Importing this package prepares the process for Gradio, which reads its environment when it is imported. That is why
`app.py` imports it first.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any, cast

if sys.version_info < (3, 11):  # noqa: UP036 (somebody who starts it with an older one shall be told)
    raise SystemExit(  # pragma: no cover (an older one runs in a process of its own)
        f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Try: uv run --python 3.12 app.py"
    )

from server.settings import ServerSettings, default_upload_dir, parsed

# WHAT IS DONE TO GRADIO WHEN IT IS IMPORTED: like `server/gradio_adapter.py`, it touches what Gradio does not publish


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


def leave_out_sign_in(oauth: Any) -> None:  # noqa: ANN401 (a module)
    """Let no page mount a sign-in of Gradio's own, for which it asks the Hub at start: ours stands in front.

    `gr.LoginButton` and its like look into a session, and find that nobody has signed in there.
    """

    def signed_out(app: Any) -> Any:  # noqa: ANN401 (an ASGI app)
        async def serve(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
            scope.setdefault("session", {})
            await app(scope, receive, send)

        return serve

    def attach_oauth(app: Any) -> None:  # noqa: ANN401
        app.add_middleware(signed_out)

    oauth.attach_oauth = attach_oauth


def leave_alone(_: object) -> None:
    """Change nothing: the module is listed for the way in which it is loaded."""


PATCHES: dict[str, Callable[[Any], None]] = {
    "gradio": leave_alone,
    "gradio.component_meta": skip_stubs,
    "gradio.blocks": build_apps_late,
    "gradio.oauth": leave_out_sign_in,
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


# THE PROCESS


def prepare_process() -> None:
    """Set Gradio's environment. A variable that is set already wins.

    A handler may give files of the temporary folder. So this process has one of its own: a handler that gives a path
    that somebody sent gives nothing of other programs.
    """
    upload_dir, temporary = parsed(ServerSettings).upload_dir, default_upload_dir("-tmp")
    for folder in (upload_dir, temporary):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tempfile.tempdir = str(temporary)
    for name, value in {
        "GRADIO_TEMP_DIR": str(upload_dir),
        "GRADIO_EXAMPLES_CACHE": str(upload_dir / "examples"),
        # No call to a foreign host.
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # Gradio copies the list of its last 10,000 events after each event, and summarises it for a page that is closed
        # here: a server would slow down by a fifth with its first thousands of events.
        "GRADIO_ANALYTICS_MAX_EVENTS": "100",
        "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000",
    }.items():
        os.environ.setdefault(name, value)
    prepare_imports()


prepare_process()
