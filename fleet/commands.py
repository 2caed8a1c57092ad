"""Commands that the user gave, run in a clone: to prepare the commit and to check it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from fleet.errors import FleetError

PATIENCE = 5
"""Seconds that a command has to end after it was told to."""


def run(command: str, folder: Path, log: Path) -> None:
    """Run a command line by the shell and keep what it prints.

    Whatever ends this ends the command as well, with all that it started.

    Raises:
        FleetError: if it fails, with its last line and the place of the log.

    """
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "GIT_OPTIONAL_LOCKS"}}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (the command is the user's own)
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait()
        finally:
            end(process)
    if code:
        lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
        last = next((line for line in reversed(lines) if line), "it printed nothing")
        raise FleetError(f"`{command}` exited with {code}: {last} (all of it: {log})")
    log.unlink()


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop the command and what it started; a command that ended may have left something running."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
