"""Security headers: what a browser may do with an answer."""

from typing import TYPE_CHECKING

from server.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

Pairs = list[tuple[bytes, bytes]]

POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob: data:",
    "font-src": "'self' data:",
    "connect-src": "'self' blob:",
    "worker-src": "'self' blob:",
}
"""Whence the page may load: this site only. Gradio needs inline scripts and styles."""
DEVICES = ("camera", "display-capture", "geolocation", "hid", "microphone", "midi", "payment", "serial", "usb")
"""What a page may ask a visitor for: here only what something on it is made for, and what the settings add."""
HTTPS = (b"strict-transport-security", b"max-age=31536000")
UNBUFFERED = (b"x-accel-buffering", b"no")
"""On event streams: nginx, and proxies that learned it from nginx, pass each message on at once."""
SCRIPTS = "/assets/"
"""Where Gradio keeps its scripts. A worker lives under the policy of its own answer and not of the page's."""


def content_sources(settings: ServerSettings, *, may_eval: bool) -> dict[str, list[str]]:
    """Give whence the page may load, by directive of the content policy: `POLICY`, and what the settings add."""
    sources = {directive: given.split() for directive, given in POLICY.items()}
    if may_eval:
        sources["script-src"].append("'unsafe-eval'")
    for directive, added in settings.content_sources.items():
        # One that is not there falls back to the default, until it is.
        known = sources.get(directive, sources["default-src"])
        sources[directive] = [*known, *(source for source in added if source not in known)]
    return sources


class Security:
    """Finds the headers for an answer. The policy admits this site, and what the settings add.

    Files that everybody may have can be shown in a frame of the app's own pages. Such a file may run scripts, as a
    report does, but as a site of its own: they reach neither the page around them nor the cookies.
    """

    def __init__(self, settings: ServerSettings, *, may_eval: bool, devices: "Iterable[str]" = ()) -> None:
        """Write the policies.

        Args:
            settings: The settings.
            may_eval: Whether scripts may evaluate strings as code.
            devices: Which of `DEVICES` something on the page is made for.

        """
        sources, ancestors = content_sources(settings, may_eval=may_eval), settings.frame_ancestors
        open_ones = {*devices, *settings.permissions}
        self.asks = ", ".join(f"{name}=({'self' if name in open_ones else ''})" for name in DEVICES).encode()
        # ffmpeg, with which the page trims films, is loaded by a worker from what the browser holds in memory, and is
        # WebAssembly, which is no text that is evaluated.
        in_memory = sources | {"script-src": [*sources["script-src"], "blob:", "'wasm-unsafe-eval'"]}
        self.usual = headers(settings, sources, ancestors)
        self.scripts = headers(settings, in_memory, ancestors)
        self.shown = headers(settings, sources, ["'self'", *ancestors])
        self.boxed = headers(settings, sources, ["'self'", *ancestors], more="; sandbox allow-scripts")

    def of(self, path: str, scheme: str, given: "Iterable[tuple[bytes, bytes]]", *, is_public_file: bool) -> Pairs:
        """Give the headers of the answer for a path, whose own headers are `given`."""
        if is_public_file:
            found = self.boxed if may_run(given) else self.shown
        else:
            found = self.scripts if path.startswith(SCRIPTS) else self.usual
        found = [*found, (b"permissions-policy", self.asks)]
        if kind_of(given).startswith(b"text/event-stream"):
            found = [*found, UNBUFFERED]
        return [*found, HTTPS] if scheme == "https" else found


def kind_of(given: "Iterable[tuple[bytes, bytes]]") -> bytes:
    """Give the type of an answer, empty if it says none."""
    return next((value for name, value in given if name == b"content-type"), b"")


def may_run(given: "Iterable[tuple[bytes, bytes]]") -> bool:
    """Tell whether an answer can hold scripts: HTML, SVG and other XML, and what does not say what it is."""
    kind = kind_of(given)
    return not kind or b"html" in kind or b"xml" in kind


def headers(settings: ServerSettings, sources: dict[str, list[str]], ancestors: list[str], more: str = "") -> Pairs:
    """Write the headers of one kind of answer.

    Args:
        settings: The settings.
        sources: Whence it may load, by directive.
        ancestors: Whose pages may show the answer in a frame.
        more: A further rule of the policy.

    """
    loads = "; ".join(" ".join([directive, *given]) for directive, given in sources.items())
    frames = " ".join(ancestors) or "'none'"
    rest = f"frame-ancestors {frames}; base-uri 'self'; form-action 'self'; object-src 'none'{more}"
    found = {
        "content-security-policy": f"{loads}; {rest}",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if not settings.frame_ancestors:  # The older header cannot name another site.
        found["x-frame-options"] = "SAMEORIGIN" if ancestors else "DENY"
    return [(name.encode(), value.encode()) for name, value in found.items()]
