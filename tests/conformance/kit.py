"""What the pages are made of: a registry, files to show, and a box that tells which events came.

Pages are imported three times: by the tests, by plain Gradio's process, and by the project's, which prepares its
process for Gradio first. So nothing here imports the tests.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

if TYPE_CHECKING:
    from .visitor import Visitor

Build = Callable[[], gr.Blocks]
Act = Callable[["Visitor"], None]


@dataclass
class Case:
    """One page: how it is built and launched, what a visitor does on it, and what programs ask it."""

    name: str
    kind: str
    """The file of `pages/` that it stands in."""
    build: Build
    launch: dict[str, Any] = field(default_factory=dict)
    """Arguments of `launch()`."""
    here: dict[str, Any] = field(default_factory=dict)
    """Settings of the project that do what plain Gradio does without."""
    ask: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Arguments for events that cannot be called with examples, by the name of the event."""
    acts: Act | None = None

    def act(self, act: Act) -> Act:
        """Keep what a visitor does."""
        self.acts = act
        return act


CASES: dict[str, Case] = {}
"""Every page, by name."""


def page(
    *,
    here: dict[str, Any] | None = None,
    ask: dict[str, dict[str, Any]] | None = None,
    **launch: Any,  # noqa: ANN401
) -> Callable[[Build], Case]:
    """Make a page of a function that builds it. `launch` are arguments of `launch()`."""

    def keep(build: Build) -> Case:
        name = build.__name__
        assert name not in CASES, f"two pages are called {name}"
        CASES[name] = Case(name, build.__module__.rpartition(".")[2], build, launch, here or {}, ask or {})
        return CASES[name]

    return keep


def asset(name: str) -> str:
    """Put a file where a page keeps what it shows: into `assets/`, in the folder that the app starts in."""
    target = Path("assets", name).resolve()
    target.parent.mkdir(exist_ok=True)
    shutil.copy(media(name), target)
    return str(target)


def media(name: str) -> str:
    """Give the path of a file that the tests have made."""
    return str(Path(os.environ.get("CONFORMANCE_MEDIA", "media")) / name)


HEARD: dict[str, set[str]] = {}
"""Which events came, by session."""


def listen(*parts: Any, skip: tuple[str, ...] = ()) -> gr.Textbox:  # noqa: ANN401
    """Add every event listener of some components; a box shows which of them came."""
    heard = gr.Textbox(label="Heard")
    for part in parts:
        for event in part.EVENTS:
            if str(event) not in skip:
                told = teller(f"{type(part).__name__}.{event}")
                getattr(part, str(event))(
                    told, None, heard, concurrency_id="heard", api_visibility="undocumented", show_progress="hidden"
                )
    return heard


def teller(name: str) -> Callable[[gr.Request], str]:
    """Make a handler that tells all that came in its session. Some come once or several times; so each counts once."""

    def tell(request: gr.Request) -> str:
        # Of answers that are faster than the page learns of their events, the page may show an older one last.
        time.sleep(0.1)
        came = HEARD.setdefault(str(request.session_hash), set())
        came.add(name)
        return " ".join(sorted(came))

    return tell
