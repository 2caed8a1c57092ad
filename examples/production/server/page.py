"""What belongs to the page and not to its events: styles, scripts, theme, translations, logo."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import gradio as gr
from gradio import themes

from server.gradio_adapter import add_to_every_page, looks_of
from server.settings import ASSETS, PROJECT_DIR, ServerSettings

Paths = str | Path | Sequence[str | Path] | None
STYLE = ASSETS / "style.css"
"""Used by every page when it is there."""
STAYS_INSIDE = "<style>.gradio-container .prose { display: block; contain: paint }</style>"
"""Keeps what a model writes within its message: HTML in Markdown may ask for a place anywhere on the page."""


@dataclass(frozen=True)
class Page:
    """What `launch()` takes for the look of a page in plain Gradio, under the same names.

    https://www.gradio.app/docs/gradio/blocks#param-blocks-launch-css. Files of `assets/` may be named in it as
    `gradio_api/file=assets/...`.
    """

    css: str | None = None
    css_paths: Paths = None
    """Added to `assets/style.css`."""
    js: str | Literal[True] | None = None
    """A function that runs when the page loads. It is evaluated: see `APP_ALLOW_EVAL`."""
    head: str | None = None
    head_paths: Paths = None
    theme: gr.Theme | str | None = None
    """A theme, or the name of one of Gradio's; in place of `APP_THEME` and of the project's own."""
    i18n: gr.I18n | None = None
    footer_links: list[Any] = field(default_factory=lambda: ["api", "settings"])

    def completed(self, demo: gr.Blocks) -> "Page":
        """Take what is missing from the arguments of `gr.Blocks`, where Gradio 5 had it."""
        given = looks_of(demo)
        return replace(self, **{name: value for name, value in given.items() if getattr(self, name) is None})

    def options(self, settings: ServerSettings, head: Sequence[str], own: gr.Theme | None = None) -> dict[str, Any]:
        """Give the arguments of `gr.mount_gradio_app`.

        Args:
            settings: The settings.
            head: HTML that the server adds.
            own: The theme of the project, which `APP_THEME=default` stands for.

        """
        styles = [STYLE, *listed(self.css_paths)] if STYLE.is_file() else listed(self.css_paths)
        default = own if own and settings.theme.lower() == "default" else settings.theme
        named, place = (self.theme, "theme=") if self.theme else (default, "APP_THEME")
        return {
            "css": self.css,
            "css_paths": styles or None,
            "js": self.js,
            "head": "".join([*head, self.head or ""]),
            "head_paths": self.head_paths,
            "theme": find_theme(named, place) if isinstance(named, str) else named,
            "i18n": self.i18n,
            "footer_links": self.footer_links,
        }


def listed(paths: Paths) -> list[str | Path]:
    """Make a list of one path, several or none."""
    if paths is None:
        return []
    return [paths] if isinstance(paths, str | Path) else list(paths)


def find_theme(name: str, place: str = "APP_THEME") -> gr.Theme:
    """Find a theme of Gradio by its name, which stands in `place`.

    Raises:
        SystemExit: one line with the names that there are.

    """
    classes = [value for value in vars(themes).values() if isinstance(value, type) and issubclass(value, gr.Theme)]
    found = {value.__name__.lower(): value for value in classes}
    if name.lower() not in found:
        raise SystemExit(f"{place}: there is no theme {name!r}. Choose one of: {', '.join(sorted(found))}.")
    return found[name.lower()]()


def add_logo(demo: gr.Blocks, settings: ServerSettings) -> str:
    """Put the logo on top of every page, and give the HTML that puts it in the tab.

    It comes from the address of the tab's icon, which the gate has open in every auth mode.

    Raises:
        SystemExit: one line, if there is no such file.

    """
    if not (PROJECT_DIR / settings.logo).is_file():
        raise SystemExit(f"APP_LOGO: there is no file {settings.logo}. Give a path seen from the project, or nothing.")
    source = escape(urlsplit(settings.root_path).path.rstrip("/") + "/favicon.ico")
    image = f'<img src="{source}" alt="" style="height: 2.5rem">'
    add_to_every_page(demo, lambda: gr.Markdown(image, elem_id="logo", container=False, sanitize_html=False))
    return f'<link rel="icon" href="{source}">'
