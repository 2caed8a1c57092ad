"""How long a browser may keep an answer, where Gradio does not decide that."""

from collections.abc import Iterable
from pathlib import Path

from server.asked import Asked, Kind

CACHE_CONTROL = b"cache-control"
NO_STORE = (CACHE_CONTROL, b"no-store")
KEEP = (CACHE_CONTROL, b"private, max-age=3600")
"""For files of `assets/` and other public folders: an hour in the visitor's own browser, and nowhere else."""

FOR_ALL = frozenset({Kind.SHARED, Kind.FONT})
"""Of these Gradio decides: they are the same for every visitor."""


class Caching:
    """Finds the header for an answer."""

    def __init__(self, public: Iterable[Path], *, personal: bool) -> None:
        """Let files of `public` folders be kept; `personal` says that other answers are for one visitor."""
        self.public, self.personal = [folder.resolve() for folder in public], personal

    def header(self, wanted: Asked, *, is_public_file: bool, has_key: bool = False) -> list[tuple[bytes, bytes]]:
        """Give the header that counts instead of any other, or none. An answer to a key is for its program alone."""
        if is_public_file:
            return [KEEP]
        return [NO_STORE] if (self.personal or has_key) and wanted.kind not in FOR_ALL else []

    def is_public(self, name: str) -> bool:
        """Tell whether everybody who may use the app can have a file."""
        try:
            path = Path(name).resolve()
        except (OSError, ValueError):  # No path, which Gradio would not take either.
            return False
        return any(path.is_relative_to(folder) for folder in self.public)
