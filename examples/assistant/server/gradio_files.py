"""What Gradio gives out as files and what it keeps: our rules, put in front of its own.

A sibling of `server/gradio_adapter.py`: each function says what of Gradio it needs, and
`tests/server/test_gradio_files.py` holds it against the Gradio that is installed.
"""

import logging
import os
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread
import gradio as gr
from gradio import processing_utils, utils
from gradio.exceptions import InvalidPathError

from server.asked import Kind, asked
from server.errors import unexpected
from server.gradio_speed import put_in_place
from server.settings import ASSETS, PROJECT_DIR

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger("app.files")


# WHICH FILES GO OUT


class PublicFolder(str):
    """A folder that the settings open, told apart from those that Gradio opens by itself."""

    __slots__ = ()


def guard_files() -> None:
    """Put our rule in front of Gradio's about which files go out, and our words about those that do not.

    Gradio opens a folder or closes it, and what is closed wins. The project has to be closed but for `assets/`; and the
    list of pieces of a growing sound or film has a path that is none, which Gradio looks up in the current folder.
    `gradio.utils.is_allowed_file`, `gradio.processing_utils._check_allowed`.
    """
    folder = Path(cast("Any", utils).__file__).parent
    put_in_place(utils, "is_allowed_file", lambda plain: rule_for_files(plain, folder))
    put_in_place(processing_utils, "_check_allowed", say_where_to_write)


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
        # Gradio adds the folder that the process was started in, whatever lies there.
        rest = [folder for folder in allowed_paths if not isinstance(folder, PublicFolder) and folder != current()]
        return plain(path, blocked_paths, rest, created_paths)

    return is_allowed_file


def current() -> str:
    """Give the folder that the process is in, in the form in which Gradio compares it."""
    return os.getcwd()  # noqa: PTH109


def is_growing_media(path: Path) -> bool:
    """Tell whether this is `session/run/component/playlist.m3u8`, for which Gradio reads no file."""
    here = Path(current()).resolve()
    parts = path.relative_to(here).parts if path.is_relative_to(here) else ()
    return len(parts) == 4 and parts[-1] == "playlist.m3u8" and not path.exists()  # noqa: PLR2004


def say_where_to_write(plain: Callable[..., None]) -> Callable[..., None]:
    """Tell the author of a handler in one line where its files have to lie, and the visitor that it is not their fault.

    `plain` is Gradio's check of a file that an event takes or gives.
    """

    @wraps(plain)
    def check(path: str | Path, check_in_upload_folder: bool) -> None:  # noqa: FBT001 (Gradio's signature)
        try:
            plain(path, check_in_upload_folder)
        except InvalidPathError:
            if check_in_upload_folder:  # A visitor named it, and no handler wrote it.
                raise
            error_id = uuid.uuid4().hex[:8]
            text, facts = f"{advice(Path(path))} (id {error_id})", {"error_id": error_id}
            log.error(text, extra=facts)  # noqa: TRY400 (one line, and no traceback)
            raise unexpected(error_id) from None

    return check


def advice(path: Path) -> str:
    """Say what to do about a file that a handler gave and that does not go out."""
    real = path.resolve()
    if real.is_relative_to(PROJECT_DIR):
        reason = f"lies in the project, of which only {ASSETS.name}/ goes out"
    else:
        reason = "lies in no folder that goes out; APP_PUBLIC_FOLDERS opens one for everybody"
    cure = f"Write it to settings.upload_dir / {path.name!r}, or into a folder of tempfile.mkdtemp()."
    return f"A handler gave the file {str(real)!r}, which {reason}. {cure}"


# EXAMPLES THAT ARE WORKED OUT AT START


def start_without_examples(demo: "gr.Blocks") -> None:
    """Let the app start although an example fails: it is worked out when somebody clicks on it.

    `Blocks.extra_startup_events` are methods of `gr.Examples`, whose `cached_folder` would be taken for whole.
    """
    blocks = cast("Any", demo)
    blocks.extra_startup_events = [forgiving(job) for job in blocks.extra_startup_events]


def forgiving(job: Callable[[], Any]) -> Callable[[], Any]:
    """Make a job of the start that says in the log what went wrong, and no more."""

    @wraps(job)
    async def start() -> None:
        try:
            await job()
        except Exception as error:
            examples = cast("Any", job).__self__
            shutil.rmtree(examples.cached_folder, ignore_errors=True)
            known = isinstance(error, gr.Error)  # has its line already
            text = f"An example of {examples.dataset.label!r} fails, so each is worked out when somebody clicks on it"
            log.log(logging.ERROR, "%s: %s", text, error, exc_info=None if known else error)

    return start


# LINKS TO THE STATE OF A PAGE


class DeepLinks:
    """Deletes the links whose time is over, whenever somebody makes one or opens one. Gradio keeps them for ever."""

    def __init__(self, app: "ASGIApp", ttl: int) -> None:
        """Stand in front of `app`; links live for `ttl` seconds."""
        self.app, self.ttl = app, ttl

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request."""
        if scope["type"] == "http" and (asked(scope).kind is Kind.LINK or asked(scope).links):
            await anyio.to_thread.run_sync(forget_links, self.ttl)
        await self.app(scope, receive, send)


def forget_links(ttl: int) -> None:
    """Delete links that are older than `ttl` seconds: folders with a `state.json` among what Gradio keeps."""
    since = time.time() - ttl
    for state in (Path(utils.get_upload_folder()) / "deep_links").glob("*/state.json"):
        if state.stat().st_mtime < since:
            shutil.rmtree(state.parent, ignore_errors=True)


# SOUNDS AND FILMS


def decodes_media(demo: "gr.Blocks") -> bool:
    """Tell whether a part of the page decodes sounds or films whole: `Audio.type`, `.format`, `Video.include_audio`."""
    import gradio as gr  # noqa: PLC0415 (not before the process is prepared)

    for block in cast("dict[int, Any]", demo.blocks).values():
        if isinstance(block, gr.Audio) and (block.type == "numpy" or block.format is not None):
            return True
        if isinstance(block, gr.Video) and (
            block.format is not None or not block.include_audio or getattr(block.webcam_options, "mirror", False)
        ):
            return True
    return False


def bound_sounds(seconds: int) -> None:
    """Decode no more of a sound than this, whatever its header says: `gradio.processing_utils.AudioSegment`."""
    from gradio import processing_utils  # noqa: PLC0415

    plain = cast("Any", processing_utils).AudioSegment
    plain = getattr(plain, "plain", plain)

    class Bounded(plain):
        @classmethod
        def from_file(cls, file: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
            return plain.from_file(file, *args, **{"duration": seconds} | options)

    Bounded.plain = plain
    cast("Any", processing_utils).AudioSegment = Bounded
