"""What a page loads from other sites, as far as its config tells: pictures in texts, files, styles, scripts."""

import mimetypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

ADDRESS = r"((?:https?:)?//[^\s\"'()<>;]+)"
CODE = re.compile(r"```.*?```|~~~.*?~~~|`[^`]*`", re.DOTALL)
PICTURE = re.compile(rf"!\[[^\]]*\]\(\s*<?{ADDRESS}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
IMPORT = re.compile(rf"@import\s+(?:url\()?\s*[\"']?{ADDRESS}")
URL = re.compile(rf"url\(\s*[\"']?{ADDRESS}")
FONTS = (".woff", ".woff2", ".ttf", ".otf")
MEDIA = {"img": "img-src", "video": "media-src", "audio": "media-src", "source": "media-src", "track": "media-src"}
"""Tags that Gradio leaves in Markdown and chats, with the directive that they load by."""
FRAMES = MEDIA | {"iframe": "frame-src"}
"""Those of `gr.HTML`, whose `<script>` no browser runs."""
HEAD = FRAMES | {"script": "script-src", "link": "style-src"}
PORTS = {"http": 80, "https": 443}
TEXTS = {"markdown": ("value",), "html": ("value", "html_template"), "chatbot": ("value", "placeholder")}
"""Components that show text as HTML, and where they have it."""
NOT_LOADED = frozenset({"dataset", "downloadbutton", "file", "json"})
"""Components that link to files, or show an address as text."""


@dataclass(frozen=True)
class Load:
    """One thing that the page loads."""

    directive: str
    url: str
    part: dict[str, Any] | None = None
    """The component of the config; None for the page as a whole."""

    @property
    def site(self) -> str:
        """Name the site as the content policy does."""
        return "://".join(urlsplit(self.url)[:2])


def foreign_loads(config: dict[str, Any]) -> Iterator[Load]:
    """Find what the page loads from other sites."""
    for sheet in config["stylesheets"]:
        yield from found("style-src", sheet)
        if "//fonts.googleapis.com/" in sheet:
            yield Load("font-src", "https://fonts.gstatic.com")
    yield from in_css(config["css"] or "")
    yield from in_html(config["head"] or "", HEAD)
    for part in config["components"]:
        for load in in_component(part["type"], part["props"]):
            yield Load(load.directive, load.url, part)


def in_examples(config: dict[str, Any]) -> Iterator[Load]:
    """Find addresses in rows of examples, which may be only text."""
    for part in config["components"]:
        if part["type"] == "dataset":
            samples = part["props"].get("samples")
            for load in [*in_files(samples), *(load for text in strings(samples) for load in in_markdown(text))]:
                yield Load(load.directive, load.url, part)


def in_component(kind: str, props: dict[str, Any]) -> Iterator[Load]:
    """Find what one component loads."""
    if kind not in NOT_LOADED:
        yield from in_files(props)
    fields = TEXTS.get(kind, ())
    if kind == "dataframe" and {"markdown", "html"} & set(strings(props.get("datatype"))):
        fields = ("value",)
    for text in strings([props.get(field) for field in fields]):
        if kind == "html" or props.get("sanitize_html") is False:
            yield from in_html(text, FRAMES)
        else:
            yield from in_markdown(text)


def in_files(value: object) -> Iterator[Load]:
    """Find Gradio's file objects with an address elsewhere."""
    if isinstance(value, list | tuple):
        for item in cast("list[object]", value):
            yield from in_files(item)
    elif isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        url = fields.get("url")
        if "path" in fields and isinstance(url, str):
            kind = (mimetypes.guess_type(url.partition("?")[0])[0] or "").partition("/")[0]
            yield from found("media-src" if kind in {"audio", "video"} else "img-src", url)
        for item in fields.values():
            yield from in_files(item)


def strings(value: object) -> Iterator[str]:
    """Find the texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | dict):
        items = cast("dict[str, object]", value).values() if isinstance(value, dict) else cast("list[object]", value)
        for item in items:
            yield from strings(item)


def in_markdown(text: str) -> Iterator[Load]:
    """Find pictures and media in Markdown, but not in its code."""
    text = CODE.sub("", text)
    for url in PICTURE.findall(text):
        yield from found("img-src", url)
    yield from in_html(text, MEDIA)


def in_html(text: str, tags: dict[str, str]) -> Iterator[Load]:
    """Find what these tags load, and the styles between them."""
    reader = Reader(tags)
    reader.feed(text)
    reader.close()
    yield from reader.loads


class Reader(HTMLParser):
    """Collects what tags load."""

    def __init__(self, tags: dict[str, str]) -> None:
        """Look for `tags`, each with the directive that it loads by."""
        super().__init__()
        self.tags, self.loads = tags, list[Load]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the addresses of a tag."""
        given = {name: value or "" for name, value in attrs}
        directive = self.tags.get(tag)
        if directive is None:
            return
        if tag == "link":
            if "stylesheet" in given.get("rel", "").lower().split():
                self.loads += found(directive, given.get("href", ""))
            return
        self.loads += [*found(directive, given.get("src", "")), *found("img-src", given.get("poster", ""))]

    def handle_data(self, data: str) -> None:
        """Look at styles; other text has no addresses that are loaded."""
        if self.lasttag == "style":
            self.loads += in_css(data)


def in_css(text: str) -> Iterator[Load]:
    """Find what styles load."""
    text = COMMENT.sub("", text)
    for url in IMPORT.findall(text):
        yield from found("style-src", url)
    for match in URL.finditer(IMPORT.sub("", text)):
        url = match[1]
        is_font = url.partition("?")[0].partition("#")[0].endswith(FONTS)
        yield from found("font-src" if is_font else "img-src", url)


def found(directive: str, url: str) -> Iterator[Load]:
    """Give a load, if this is the address of another site."""
    url = f"https:{url}" if url.startswith("//") else url
    if split(url) is not None:
        yield Load(directive, url)


def split(url: str) -> SplitResult | None:
    """Take an address apart; None if it names no site."""
    try:
        parts = urlsplit(url)
        names_site = parts.scheme in PORTS and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if names_site else None


def lets_in(source: str, url: str) -> bool:
    """Tell whether a source of the content policy lets an address in.

    https://www.w3.org/TR/CSP3/#match-url-to-source-expression
    """
    given = split(url)
    wanted = split(source if "//" in source else f"{url.partition(':')[0]}://{source}")
    if given is None or wanted is None:
        return False
    host, pattern = given.hostname or "", wanted.hostname or ""
    fits_host = host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
    fits_path = given.path.startswith(wanted.path) if wanted.path.endswith("/") else wanted.path in {"", given.path}
    ports = (given.port or PORTS[given.scheme], wanted.port or PORTS[wanted.scheme])
    upgraded = wanted.scheme == "http" and given.scheme == "https"
    fits_port = ports[0] == ports[1] or (upgraded and ports == (443, 80))
    return fits_host and fits_path and fits_port and (given.scheme == wanted.scheme or upgraded)
