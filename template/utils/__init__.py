"""Plumbing, kept up to date by the template: settings, serving, limits, errors, logs.

Importing this package prepares the process for Gradio, which reads its environment when it is imported.
That is why `app.py` imports it first.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from types import ModuleType
from typing import Any, cast

from utils.settings import get_settings

_STUB_MODULE, _STUB_WRITER = "gradio.component_meta", "create_or_modify_pyi"


def _write_nothing(*_: object) -> None:
    """Stand in for the function that writes stubs."""


class QuietLoader(SourceFileLoader):
    """Loads Gradio's module without the function."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then replace the function where there is one."""
        super().exec_module(module)
        if hasattr(module, _STUB_WRITER):
            setattr(module, _STUB_WRITER, _write_nothing)


class SkipStubWriting(MetaPathFinder):
    """Keeps Gradio from writing `.pyi` files next to its own source at every start.

    That takes a third of the start and fails on a read-only disk; the package ships the files anyway. Gradio has no
    switch for it. Where a later Gradio has no such function, nothing happens.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find Gradio's module, and nothing else, with a loader that replaces the function."""
        found = PathFinder.find_spec(fullname, path, target) if fullname == _STUB_MODULE else None
        if found is None or found.origin is None:
            return None
        loader = QuietLoader(fullname, found.origin)
        return spec_from_file_location(fullname, found.origin, loader=loader)


def skip_search(package: str) -> None:
    """Remember that a package is not installed.

    Gradio tries to import matplotlib before and after every event. Python keeps no note of a failure and searches the
    whole path each time.
    """
    if find_spec(package) is None:
        cast("dict[str, Any]", sys.modules)[package] = None


def prepare_process() -> None:
    """Set Gradio's environment. A variable that is set already wins."""
    upload_dir = get_settings().upload_dir
    upload_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    sys.meta_path.insert(0, SkipStubWriting())
    skip_search("matplotlib")


prepare_process()
