"""Questions for whoever gave no arguments, in a terminal."""

from pathlib import Path

import questionary

from fleet.errors import UsageError
from fleet.sources import find


def command() -> str:
    """Ask what to do."""
    choices = [
        questionary.Choice("Report - how far behind each project is", "report"),
        questionary.Choice("Update - a branch in each repository, wave by wave", "update"),
    ]
    return questionary.select("What do you want to see or do?", choices).unsafe_ask()


def source() -> str:
    """Ask where the repositories are, until there are some."""
    return questionary.path("Folder of checkouts, or a list of repositories:", validate=is_source).unsafe_ask()


def is_source(text: str) -> bool | str:
    """Say what is wrong with an answer."""
    try:
        find([text.strip() or str(Path.cwd())])
    except UsageError as error:
        return str(error)
    return True


def version() -> str:
    """Ask for the version to go to."""
    return questionary.text("Which version? (empty: the newest)").unsafe_ask().strip()


def check() -> str:
    """Ask for the command that tells green from red."""
    return (
        questionary.text("Which command checks a project? (empty: none)", default="uv run pytest").unsafe_ask().strip()
    )


def confirm(text: str) -> bool:
    """Ask for a yes."""
    return questionary.confirm(text, default=True).unsafe_ask()
