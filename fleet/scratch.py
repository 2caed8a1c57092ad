"""Where clones lie while a command runs. Everything goes when it ends, however it ends."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from fleet.errors import UsageError


@contextmanager
def of_its_own() -> Generator[Path]:
    """Give a folder for a report."""
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder, used(Path(folder)):
        yield Path(folder)


@contextmanager
def of_state(state: Path) -> Generator[Path]:
    """Give the folder that belongs to a state file: what a killed run left there is cleared by the next one.

    Raises:
        UsageError: if another run with the same state file is under way.

    """
    key = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"fleet-{os.getuid()}-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise UsageError(f"{folder} belongs to somebody else; set TMPDIR to another folder")
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"{state}: another run is under way; wait for it or pass --state") from error
        if not folder.is_dir():
            raise UsageError(f"{state}: another run has just ended; try again")
        clear(folder)
        try:
            with used(folder):
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def clear(folder: Path) -> None:
    """Remove everything in a folder."""
    for child in folder.iterdir():
        shutil.rmtree(child, ignore_errors=True)


@contextmanager
def used(folder: Path) -> Generator[None]:
    """Let Copier put its clones there too, which it would leave behind if it were killed."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
