"""What a request asks for: its path and query, taken apart once, and its body, which `server/bodies.py` reads.

The gate, the owners of things and the log read the same answer, so that none of them can understand a request in a way
of its own. `tests/server/test_asked.py` holds it against the routes that Gradio really has.
"""

import re
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import Scope

API = "/gradio_api/"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Kind(Enum):
    """What lies behind a path. Whatever is in no list of Gradio's page or its clients is `CLOSED`."""

    # Python's own is a function in Python, and every request is looked up in some twenty sets.
    __hash__ = object.__hash__

    CLOSED = auto()
    PROBE = auto()
    """Whether the server lives, and whether it is ready."""
    PAGE = auto()
    """The page itself; further pages of a multipage app have names that only the app knows."""
    SHARED = auto()
    """Scripts, styles and icons, the same for every visitor."""
    FONT = auto()
    """Fonts of Gradio, which pages outside of Gradio's use too, such as the login page."""
    ABOUT = auto()
    """What the page and its events are made of."""
    START = auto()
    """Starts an event in the queue; the answer names the event."""
    RUN = auto()
    """Runs an event of the page that needs no queue; the answer holds its outputs."""
    ANSWER = auto()
    """What an event says, as it comes."""
    CONTROL = auto()
    """Cancels an event, or asks how far an upload is."""
    UPLOAD = auto()
    COMPONENT = auto()
    """Calls a function of a component."""
    FILE = auto()
    TAB = auto()
    """The connection that an open tab keeps standing."""
    LINK = auto()
    """Makes a link to the page as it is now, with what is in it; open by a setting."""
    MEDIA = auto()
    """A piece of a sound or a film that grows, or of what the visitor's camera sends."""


EXACT = {
    "/healthz": Kind.PROBE,
    "/readyz": Kind.PROBE,
    "/": Kind.PAGE,
    "/config": Kind.ABOUT,
    "/config/": Kind.ABOUT,
    "/manifest.json": Kind.ABOUT,
    "/theme.css": Kind.SHARED,
    "/favicon.ico": Kind.SHARED,
    "/robots.txt": Kind.SHARED,
    API + "theme.css": Kind.SHARED,
    API + "app_id": Kind.ABOUT,  # A page whose connection broke asks this until it is answered, and starts anew.
    API + "app_id/": Kind.ABOUT,
    API + "info": Kind.ABOUT,
    API + "info/": Kind.ABOUT,
    API + "queue/join": Kind.START,
    API + "queue/data": Kind.ANSWER,
    API + "run/predict": Kind.RUN,
    API + "cancel": Kind.CONTROL,
    API + "reset": Kind.CONTROL,
    API + "reset/": Kind.CONTROL,
    API + "upload": Kind.UPLOAD,
    API + "upload_progress": Kind.CONTROL,
    API + "deep_link": Kind.LINK,
    API + "component_server": Kind.COMPONENT,
    API + "component_server/": Kind.COMPONENT,
}
BELOW = {
    "/assets/": Kind.SHARED,
    "/static/": Kind.SHARED,
    "/svelte/": Kind.SHARED,
    API + "custom_component/": Kind.ABOUT,
}
"""Everything below these is of one kind."""
STARTS_EVENT = frozenset({Kind.START, Kind.RUN})
TAKES_FILES = frozenset({Kind.UPLOAD, Kind.COMPONENT})
GIVES_FILES = frozenset({Kind.UPLOAD, Kind.COMPONENT, Kind.ANSWER, Kind.RUN})
FONT = re.compile(r"/static/fonts/\w+/[\w-]+\.woff2")
LONGEST_PATH, LONGEST_NAME = 4096, 255
"""Bytes of a path, and of a name between two slashes, that a file system takes."""


@dataclass(frozen=True)
class Asked:
    """One request, but for its body."""

    kind: Kind
    event: str = ""
    """The name of the event that a program starts or listens to."""
    ids: frozenset[str] = frozenset()
    """Sessions, events and uploads that are named."""
    files: frozenset[str] = frozenset()
    """Paths of files that are named."""
    session: str = ""
    """The session that the query names."""
    links: frozenset[str] = frozenset()
    """Links to the state of a page that are opened."""
    secret: str = ""
    """The end of the path where whoever knows it gets what lies behind it; it must not be in a log."""
    by_name: bool = False
    """Whether the body is the inputs of an event by their names, and nothing else."""

    @property
    def starts_event(self) -> bool:
        """Tell whether new work begins."""
        return self.kind in STARTS_EVENT

    @property
    def takes_files(self) -> bool:
        """Tell whether the body may be as large as an upload."""
        return self.kind in TAKES_FILES

    @property
    def gives_files(self) -> bool:
        """Tell whether the answer may name files that now belong to whoever asked."""
        return self.kind in GIVES_FILES


def asked(scope: "Scope") -> Asked:
    """Give what a request asks for. It is kept with the request, so it is worked out once."""
    state = scope.setdefault("state", {})
    if "asked" not in state:
        state["asked"] = read(scope["method"], scope["path"], scope.get("query_string", b""))
        if scope["method"] == "OPTIONS" and not is_preflight(scope):
            state["asked"] = Asked(Kind.CLOSED)
    return state["asked"]


def is_preflight(scope: "Scope") -> bool:
    """Tell whether a browser asks, without credentials, what a page of another site may do."""
    named = header(scope, b"origin") and header(scope, b"access-control-request-method")
    return scope["method"] == "OPTIONS" and bool(named)


def header(scope: "Scope", name: bytes) -> str:
    """Give a header of a request, or nothing. Of several the first counts; servers give names in small letters."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return ""


def read(method: str, path: str, query: bytes = b"") -> Asked:
    """Take a path and its query apart."""
    place = read_path(method, path) if may_be_path(path) else Asked(Kind.CLOSED)
    if not query:
        return place
    named = parse_qs(query.decode("latin-1"))
    ids = {value for name in ("session_hash", "event_id", "upload_id") for value in named.get(name, ())}
    session = named.get("session_hash", [""])[0]
    links = frozenset(named.get("deep_link", ()))
    return replace(place, ids=place.ids | ids, session=session, links=links)


def read_path(method: str, path: str) -> Asked:
    """Take a path apart. Parts are never guessed at: a path that fits no form is closed."""
    if (kind := EXACT.get(path)) is not None:
        return Asked(kind)
    if FONT.fullmatch(path):
        return Asked(Kind.FONT)
    for prefix, kind in BELOW.items():
        if path.startswith(prefix) and path != prefix:
            return Asked(kind)
    return read_api(method, path.removeprefix(API)) if path.startswith(API) else Asked(Kind.CLOSED)


def read_api(method: str, rest: str) -> Asked:
    """Take apart what follows the prefix of Gradio's API."""
    if rest.startswith("file=") and rest != "file=":
        name = rest.removeprefix("file=")
        return Asked(Kind.FILE, files=frozenset({name}), secret=name)
    match rest.split("/"):
        case ["heartbeat", session] if session:
            return Asked(Kind.TAB, ids=frozenset({session}), secret=session)
        case ["stream", owner, *_] if owner:
            return Asked(Kind.MEDIA, ids=frozenset({owner}), secret=rest.removeprefix("stream/"))
        case ["run", name] if name:  # The body has to name the event by its number, and that counts.
            return Asked(Kind.RUN)
        case ["call", *parts] if all(parts):
            return read_call(method, parts)
        case _:
            return Asked(Kind.CLOSED)


def read_call(method: str, parts: list[str]) -> Asked:
    """Take apart what programs call: `NAME` or `v2/NAME` to start an event, and with `/ID` to listen to it."""
    match parts:
        case ["v2", event] if method not in SAFE_METHODS:
            return Asked(Kind.START, event, by_name=True)
        case [event]:
            return Asked(Kind.START, event)
        case [event, name] | ["v2", event, name] if method in SAFE_METHODS:
            return Asked(Kind.ANSWER, event, frozenset({name}), secret=name)
        case _:
            return Asked(Kind.CLOSED)


def may_be_path(path: str) -> bool:
    """Tell whether a file could have this path: Gradio looks many of them up, and stumbles over one that is none.

    Where a line ends, the patterns of routes end before it, so that one path would be two.
    """
    if "\0" in path or path.endswith("\n"):
        return False
    if len(path) * 4 <= LONGEST_NAME:  # as long as it can become in UTF-8
        return True
    size = len(path.encode(errors="replace"))
    return size <= LONGEST_PATH and all(len(name.encode(errors="replace")) <= LONGEST_NAME for name in path.split("/"))
