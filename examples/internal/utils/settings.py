"""Your own settings. `get_settings()` gives them together with those of `server/settings.py`, typed.

A field `longest_answer: int = 500` is read from `APP_LONGEST_ANSWER`, from a line in `.env` or from a file in
`secrets/`. A wrong value ends the start in one line. Put each field into `.env.example` too: a test holds the two
together.
"""

from functools import cache

from pydantic import Field

from server.settings import ServerSettings, read_settings


class Settings(ServerSettings):
    """What this app adds to the settings of the server."""

    # Looks
    accent: str = Field(default="#0f766e", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour of what can be clicked, while `APP_THEME` is `default`; `utils/theme.py` mixes the rest of it."""

    # Tables
    model_concurrency: int = Field(default=2, ge=1)
    """Tables that are read or computed at once, in threads of the server; the others wait in the queue. The largest
    that is let in, 64 MB, takes half a gigabyte meanwhile, and other visitors may wait half a second for an answer."""
    max_columns: int = Field(default=200, ge=1)
    max_cells: int = Field(default=5_000_000, ge=1)
    """Rows times columns of the largest table that is read; a cell of text takes 70 bytes and more."""
    max_line_kb: int = Field(default=4000, ge=1)
    """A file with a line twice as long is refused before it is read."""
    tables_mb: int = Field(default=1024, ge=1)
    """Memory for the tables of all sessions; beyond it, the one that was not used for longest is let go."""


@cache
def get_settings() -> Settings:
    """Read the settings once; each that is wrong is a line, and the end of the start."""
    return read_settings(Settings)
