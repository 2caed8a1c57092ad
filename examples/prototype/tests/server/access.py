"""How the tests come in. In this mode nobody needs to say who they are."""

from typing import Any

SETTINGS: dict[str, Any] = {}
"""What the app needs to start, beside its defaults."""
PUBLIC: set[str] = set()
"""Paths that this mode adds for everybody."""


def headers(_user: str = "ada") -> dict[str, str]:
    """Give what the browser of a signed-in user sends."""
    return {}


ADDED: set[str] = set()
"""Paths that features add for whoever is let in."""
