"""What a request asks for, held against the routes that Gradio really has."""

import random
import re
from pathlib import Path

import pytest
from starlette.routing import compile_path

from server.asked import Kind, asked, may_be_path, read, read_path
from server.caching import Caching
from tests.server.fixtures import MakeApp
from tests.server.test_gate import OPEN, routes

NAMES = ("predict", "v2", "file=x", "call", "é", "a.b", "..", "%2f", "heartbeat")
"""Names that an event, a session or a file may have."""
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE")
SEED, EXAMPLES = 12, 3_000

Routes = list[tuple[str, str]]
"""Methods and patterns, in the order in which they are tried."""


@pytest.mark.parametrize(
    ("method", "path", "kind", "event", "ids"),
    [
        ("POST", "call/predict", Kind.START, "predict", set()),
        ("POST", "call/v2/predict", Kind.START, "predict", set()),
        ("POST", "call/v2", Kind.START, "v2", set()),
        ("GET", "call/predict/e1", Kind.ANSWER, "predict", {"e1"}),
        ("GET", "call/v2/predict/e1", Kind.ANSWER, "predict", {"e1"}),
        ("GET", "call/v2/e1", Kind.ANSWER, "v2", {"e1"}),
        ("POST", "call/a/b/c", Kind.CLOSED, "", set()),
        ("POST", "call/v2/a/b/c", Kind.CLOSED, "", set()),
        ("POST", "call/", Kind.CLOSED, "", set()),
        ("GET", "call//e1", Kind.CLOSED, "", set()),
        ("GET", "heartbeat/s1", Kind.TAB, "", {"s1"}),
        ("GET", "heartbeat/", Kind.CLOSED, "", set()),
        ("GET", "heartbeat/s1/more", Kind.CLOSED, "", set()),
        ("POST", "stream/e1/close", Kind.MEDIA, "", {"e1"}),
        ("GET", "stream/s1/run/3/playlist.m3u8", Kind.MEDIA, "", {"s1"}),
        ("GET", "stream/", Kind.CLOSED, "", set()),
        ("GET", "file=", Kind.CLOSED, "", set()),
        ("GET", "custom_component/", Kind.CLOSED, "", set()),
        ("GET", "custom_component/1/client/component/index.js", Kind.ABOUT, "", set()),
        ("POST", "queue/join", Kind.START, "", set()),
        ("POST", "run/predict", Kind.RUN, "", set()),
        ("POST", "run/shout", Kind.RUN, "", set()),
        ("POST", "run/", Kind.CLOSED, "", set()),
        ("POST", "run/shout/", Kind.CLOSED, "", set()),
        ("POST", "queue/join/", Kind.CLOSED, "", set()),
    ],
)
def test_a_path_of_the_api_is_one_thing(method: str, path: str, kind: Kind, event: str, ids: set[str]) -> None:
    found = read_path(method, f"/gradio_api/{path}")
    assert (found.kind, found.event, set(found.ids)) == (kind, event, ids)


def test_a_file_is_named_whole_however_deep_it_lies() -> None:
    found = read_path("GET", "/gradio_api/file=/tmp/a=b/c.txt")
    assert (found.kind, set(found.files), found.secret) == (Kind.FILE, {"/tmp/a=b/c.txt"}, "/tmp/a=b/c.txt")


@pytest.mark.parametrize("path", ["/assets/", "/static/", "/svelte/", "/docs", "/gradio_api/"])
def test_what_is_on_no_list_is_closed(path: str) -> None:
    assert read_path("GET", path).kind is Kind.CLOSED


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("fonts/Lora/Lora-Regular.woff2", Kind.FONT),
        ("fonts/Lora/Lora-Regular.css", Kind.SHARED),
        ("fonts/../Lora-Regular.woff2", Kind.SHARED),
        ("fonts/Lora/../../x.woff2", Kind.SHARED),
        ("img/Lora/Lora-Regular.woff2", Kind.SHARED),
    ],
)
def test_only_a_font_is_a_font(path: str, kind: Kind) -> None:
    assert read_path("GET", f"/static/{path}").kind is kind


def test_a_query_names_ids_too() -> None:
    found = read("GET", "/gradio_api/queue/data", b"session_hash=s1&session_hash=s2&event_id=e%201&other=x")
    assert (set(found.ids), found.session) == ({"s1", "s2", "e 1"}, "s1")
    assert found.gives_files
    assert read("POST", "/gradio_api/upload", b"upload_id=u1").ids == {"u1"}


def test_what_is_no_path_is_no_public_file() -> None:
    assert not Caching([Path.cwd()], personal=True).is_public("a\0b")


def test_a_request_is_taken_apart_once() -> None:
    scope = {"type": "http", "method": "GET", "path": "/gradio_api/heartbeat/s1", "query_string": b""}
    first = asked(scope)
    scope["path"] = "/"
    assert asked(scope) is first
    assert first.kind is Kind.TAB


def test_every_route_that_gradio_has_is_read_as_gradio_reads_it(make_app: MakeApp) -> None:
    known = {(method, path) for method, path in routes(make_app()) if path in OPEN}
    assert {path for _, path in known} == OPEN
    for method, pattern in known:
        for name in NAMES:
            path = re.sub(r"\{[^}]+\}", name, pattern)
            found = read_path(method, path)
            assert found.kind is not Kind.CLOSED, path
            for place in re.findall(r"\{(api_name|event_id|session_hash)\}", pattern):
                named = {found.event} if place == "api_name" else found.ids
                # Of a run the number in the body counts.
                assert name in named or found.kind is Kind.RUN, (method, path)
            # The name of an event is nobody's: it must not be taken for an id that belongs to whoever comes first.
            if "{api_name}" in pattern and "{event_id}" not in pattern and method == "POST":
                assert not found.ids


def gradio_reads(known: Routes, method: str, path: str) -> tuple[str, dict[str, str]]:
    """Give the route that would take a request, and what it reads from the path."""
    for its_method, pattern in known:
        found = compile_path(pattern)[0].match(path)
        if found and its_method == method:
            return pattern, found.groupdict()
    return "", {}


def assert_read_alike(known: Routes, method: str, path: str) -> None:
    """Hold what the gate reads from a path against what Gradio reads."""
    found, (pattern, names) = read(method, path), gradio_reads(known, method, path)
    if found.kind is Kind.CLOSED:
        return
    # Whether links are made at all is for the settings.
    assert pattern in OPEN | {"", "/gradio_api/deep_link"}, (method, path, pattern)
    if found.kind is not Kind.RUN:  # Gradio goes by the number in the body before it goes by the name.
        assert names.get("api_name", found.event) == found.event, (method, path)
    for place in ("event_id", "session_hash"):
        assert place not in names or found.ids == {names[place]}, (method, path)
    assert not pattern or found.ids <= set(names.values()), (method, path)


def test_any_path_is_read_as_gradio_reads_it(make_app: MakeApp) -> None:
    known, dice = list(routes(make_app())), random.Random(SEED)
    parts = sorted({part for _, pattern in known for part in pattern.split("/")} | {*NAMES, "", "\n", "v2\n"})
    for _ in range(EXAMPLES):
        path = "/" + "/".join(dice.choice(parts) for _ in range(dice.randint(0, 6)))
        for prefix in ("", "/gradio_api", "/gradio_api/call"):
            assert_read_alike(known, dice.choice(METHODS), prefix + path)


@pytest.mark.parametrize("path", ["/" + "a" * 255, "/" + "a/" * 2_000, "/\u00e9" * 60])
def test_what_a_file_may_be_called_is_a_path(path: str) -> None:
    assert may_be_path(path)


@pytest.mark.parametrize("path", ["/" + "a" * 256, "/" + "\u00e9" * 128, "/" + "a/" * 2_100, "/a\0b", "/a\n"])
def test_what_no_file_is_called_is_closed(path: str) -> None:
    for prefix in ("/assets", "/gradio_api/file=", "/gradio_api/call"):
        assert read("GET", prefix + path * 5).kind is Kind.CLOSED


@pytest.mark.parametrize(
    "headers", [[], [(b"origin", b"https://a.com")], [(b"access-control-request-method", b"POST")]]
)
def test_a_question_of_no_browser_asks_for_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    scope = {"type": "http", "method": "OPTIONS", "path": "/gradio_api/queue/join", "headers": headers}
    assert asked(scope).kind is Kind.CLOSED
