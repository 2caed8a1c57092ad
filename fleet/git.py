"""Git as a program: it never asks, never runs a hook of a checkout and never writes to one in passing."""

import os
import subprocess
from pathlib import Path

from fleet.errors import FleetError

QUIET = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")
ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR")
"""Set when a hook or an alias of git started this: they would point every command at that repository."""
NO_RULES = {"core.excludesFile": os.devnull, "init.templateDir": ""}
"""Copier compares a project with what the template made of it, in repositories of its own. A file that is ignored here
is in neither, so an edit of it would be gone without a word. New repositories take rules from git's template folder.
"""


def isolate() -> None:
    """Make git, ours and Copier's, look only where it is told to, know no rules of this desk, and never ask.

    `GIT_OPTIONAL_LOCKS=0` keeps `git status` from writing the index of a checkout that is only looked at.
    """
    for name in (*ELSEWHERE, "GIT_TEMPLATE_DIR"):
        os.environ.pop(name, None)
    os.environ |= {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    # Settings for every git that is started from here; those that were given in this way before stay.
    count = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    given = {os.environ[f"GIT_CONFIG_KEY_{number}"] for number in range(count)}
    for number, key in enumerate((key for key in NO_RULES if key not in given), count):
        os.environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": NO_RULES[key]}
        os.environ["GIT_CONFIG_COUNT"] = str(number + 1)


def git(folder: Path, *arguments: str | Path) -> str:
    """Run git in a folder and give what it printed.

    Raises:
        FleetError: with git's reason, if it fails.

    """
    try:
        result = subprocess.run(  # noqa: S603 (git, with arguments and no shell)
            ["git", *QUIET, *map(str, arguments)],  # noqa: S607
            cwd=folder,
            env=os.environ | {"LC_ALL": "C.UTF-8"},  # so that `reason` can read what it says
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise FleetError(f"{folder}: {error.strerror}") from error
    if result.returncode:
        raise FleetError(reason(result.stderr) or f"git {arguments[0]} failed")
    return result.stdout


def reason(text: str) -> str:
    """Find the line of git's complaint that says what is wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for prefix in ("fatal: ", "error: "):
        for line in lines:
            if line.startswith(prefix):
                return line.removeprefix(prefix)
    return lines[-1] if lines else ""


def resolve(folder: Path, revision: str) -> str | None:
    """Give the commit that a name stands for, or None. Names come from files: none is taken for an option."""
    if revision.startswith("-"):
        return None
    try:
        return git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    except FleetError:
        return None
