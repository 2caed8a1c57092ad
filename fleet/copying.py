"""The only module that knows Copier."""

import contextlib
import io
import os
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from copier import Settings, run_update

# Copier has no public name for "where does `gh:owner/name` or `~/template` lead?". An own answer could differ from the
# one that the update then uses.
from copier._vcs import get_repo
from copier.errors import UnsafeTemplateError
from plumbum import ProcessExecutionError, local

from fleet.errors import FleetError, one_line
from fleet.git import reason

NO_TRUST = Settings(defaults={}, trust=[])
"""Instead of the settings of whoever runs this: trust given to a template on one desk is not given to all projects."""


@contextlib.contextmanager
def at_home(folder: Path) -> Generator[None]:
    """Let Copier run where a user would, with today's environment: plumbum keeps the one that it was imported in."""
    with contextlib.chdir(folder), local.env():
        local.env.clear()
        local.env.update(os.environ)
        yield


def address(template: str, seen_from: Path) -> str:
    """Give what git can clone a template from.

    Args:
        template: the path or address in an answers file.
        seen_from: the checkout, where Copier would look for a relative path.

    Raises:
        FleetError: if there is no repository.

    """
    with at_home(seen_from):
        found = get_repo(template)
        if found is None:
            raise FleetError(f"template {template} is unreachable: not a git repository")
        return str(Path(found).resolve()) if Path(found).exists() else found


def update(folder: Path, answers_file: str, version: str, data: Mapping[str, str], seen_from: Path) -> None:
    """Update a project in place, with new answers if given, without trust and without a question.

    Args:
        folder: a clean clone.
        answers_file: which of its templates.
        version: the template's version, as git knows it.
        data: answers to change.
        seen_from: the checkout, where Copier would look for a relative path of a template.

    Raises:
        FleetError: with Copier's reason, if it refuses or fails.

    """
    silence = io.StringIO()
    try:
        with (
            at_home(seen_from),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
            warnings.catch_warnings(action="ignore"),
        ):
            worker = run_update(
                folder,
                dict(data),
                answers_file=answers_file,
                vcs_ref=version,
                settings=NO_TRUST,
                defaults=True,
                overwrite=True,
                quiet=True,
                unsafe=False,
            )
            questions: dict[str, Any] = worker.template.questions_data
    except UnsafeTemplateError as error:
        wants = one_line(error).partition(": ")[2].partition(".")[0] or "unsafe features"
        raise FleetError(f"the template asks for trust ({wants}), which fleet never gives") from error
    except ProcessExecutionError as error:
        raise FleetError(f"Copier: {reason(str(error.stderr)) or 'git failed'}") from error
    except Exception as error:
        raise FleetError(f"Copier: {one_line(error) or type(error).__name__}") from error
    unknown = sorted(set(data) - set(questions))
    if unknown:  # Copier ignores them, so a typo would look like success.
        raise FleetError(f"the template has no question {', '.join(unknown)}")
