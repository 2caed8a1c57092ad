"""Security headers: what a browser may do with an answer."""

from typing import TYPE_CHECKING

from server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]

HTTPS = (b"strict-transport-security", b"max-age=31536000")
SCRIPTS = "/assets/"
"""Where Gradio keeps its scripts. A worker lives under the policy of its own answer and not of the page's."""


class Security:
    """Finds the headers for an answer. The policy admits this site only; Gradio's page needs inline scripts and styles.

    Files that everybody may have can be shown in a frame of the app's own pages. Such a file may run scripts, as a
    report does, but as a site of its own: they reach neither the page around them nor the cookies.
    """

    def __init__(self, settings: ServerSettings) -> None:
        """Write the policies."""
        ancestors = settings.frame_ancestors
        self.usual = headers(settings, ancestors)
        # ffmpeg, with which the page trims films, is loaded by a worker from what the browser holds in memory.
        self.scripts = headers(settings, ancestors, scripts="blob:")
        self.shown = headers(settings, ["'self'", *ancestors])
        self.boxed = headers(settings, ["'self'", *ancestors], more="; sandbox allow-scripts")

    def of(self, path: str, scheme: str, given: "Iterable[tuple[bytes, bytes]]", *, is_public_file: bool) -> Pairs:
        """Give the headers of the answer for a path, whose own headers are `given`."""
        if is_public_file:
            found = self.boxed if may_run(given) else self.shown
        else:
            found = self.scripts if path.startswith(SCRIPTS) else self.usual
        return [*found, HTTPS] if scheme == "https" else found


def may_run(given: "Iterable[tuple[bytes, bytes]]") -> bool:
    """Tell whether an answer can hold scripts: HTML, SVG and other XML, and what does not say what it is."""
    kind = next((value for name, value in given if name == b"content-type"), b"")
    return not kind or b"html" in kind or b"xml" in kind


def headers(settings: ServerSettings, ancestors: list[str], scripts: str = "", more: str = "") -> Pairs:
    """Write the headers of one kind of answer.

    Args:
        settings: The settings.
        ancestors: Whose pages may show the answer in a frame.
        scripts: A further source of scripts.
        more: A further rule of the policy.

    """
    sources = ["'self'", "'unsafe-inline'", *(["'unsafe-eval'"] if settings.allow_eval else []), scripts]
    frames = " ".join(ancestors) or "'none'"
    policy = (
        f"default-src 'self'; script-src {' '.join(filter(None, sources))}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob:; "
        f"worker-src 'self' blob:; frame-ancestors {frames}; base-uri 'self'; "
        f"form-action 'self'; object-src 'none'{more}"
    )
    found = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if not settings.frame_ancestors:  # The older header cannot name another site.
        found["x-frame-options"] = "SAMEORIGIN" if ancestors else "DENY"
    return [(name.encode(), value.encode()) for name, value in found.items()]
