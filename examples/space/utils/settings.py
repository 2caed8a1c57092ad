"""Your own settings. `get_settings()` gives them together with those of `server/settings.py`, typed.

A field `longest_answer: int = 500` is read from `APP_LONGEST_ANSWER`, from a line in `.env` or from a file in
`secrets/`. A wrong value ends the start in one line. Put each field into `.env.example` too: a test holds the two
together.
"""

import os
from functools import cache

from pydantic import Field

from server.settings import ServerSettings, read_settings


class Settings(ServerSettings):
    """What this app adds to the settings of the server."""

    # Looks
    accent: str = Field(default="#0f766e", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour of what can be clicked, while `APP_THEME` is `default`; `utils/theme.py` mixes the rest of it."""

    # Model
    model_workers: int = Field(default_factory=lambda: min(os.cpu_count() or 1, 4), ge=0)
    """Processes that run the model; 0 runs it in a thread of the server, which is right for an accelerator."""
    model_concurrency: int = Field(default=2, ge=1)
    """Batches under way at once; 1 where a single accelerator takes one after the other."""
    max_batch: int = Field(default=32, ge=1)
    """Inputs that the model takes in one call."""


@cache
def get_settings() -> Settings:
    """Read the settings once; each that is wrong is a line, and the end of the start."""
    return read_settings(Settings)
