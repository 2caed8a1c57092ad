"""Bodies: read in one way only, the same by whoever checks owners and by Gradio, and held against the page."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from starlette.testclient import TestClient

from server import application
from server.bodies import DEEPEST, UnreadableError, event_in, files_in, files_of, fit_names, read, read_json
from server.queueing import queue_options
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings

API = "/gradio_api/"
PLAIN = "application/json"
FORM = "multipart/form-data; boundary=b"
NAMING = [
    "queue/join",
    "call/fetch",
    "call/v2/fetch",
    "cancel",
    "reset",
    "run/predict",
    "component_server",
    "stream/e1",
]
"""Routes whose bodies name sessions, events or files."""


@pytest.fixture(scope="module")
def http(make_app: MakeApp) -> Iterator[TestClient]:
    with browse(make_app()) as client:
        yield client


def sent(client: TestClient, path: str, content: bytes, *kinds: str) -> Any:  # noqa: ANN401
    """Post a body, with a header of the kind for each of `kinds`."""
    return client.post(API + path, content=content, headers=[("content-type", kind) for kind in kinds])


def scope(path: str, kind: str = PLAIN) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": API + path, "headers": [(b"content-type", kind.encode())]}


def form(*parts: tuple[str, str]) -> bytes:
    """Write a form with boundary `b`."""
    texts = (f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts)
    return ("".join(texts) + "--b--\r\n").encode()


@pytest.mark.parametrize("path", NAMING)
@pytest.mark.parametrize(
    "kinds",
    [
        [],
        ["text/plain"],
        ["multipart/mixed; boundary=b"],
        ["multipart/form-datax; boundary=b"],
        ["Multipart/Form-Data; boundary=b"],
        ["multipart/form-data"],
        ["multipart/form-data; boundary=b; charset=utf-16"],
        ["multipart/form-data; boundary=b; boundary=c"],
        ["application/x-www-form-urlencoded"],
        ["application/json; charset=utf-16"],
        ["application/json, multipart/form-data; boundary=b"],
        ["application/problem+json"],
        ["application/jsonx"],
        [PLAIN, FORM],
        [PLAIN, PLAIN],
    ],
    ids=str,
)
def test_what_is_not_exactly_json_is_refused_where_things_are_named(
    http: TestClient, path: str, kinds: list[str]
) -> None:
    answer = sent(http, path, b'{"session_hash": "s", "data": []}', *kinds)
    assert answer.status_code == 415
    assert answer.json()["detail"].startswith("Send JSON")


@pytest.mark.parametrize("path", [path for path in NAMING if path != "component_server"])
def test_a_form_is_taken_where_files_are_and_nowhere_else(http: TestClient, path: str) -> None:
    assert sent(http, path, form(("session_hash", "s")), FORM).status_code == 415


@pytest.mark.parametrize("kinds", [[], [PLAIN], ["multipart/mixed; boundary=b"], [FORM, FORM], ["multipart/form-data"]])
def test_an_upload_is_a_form(http: TestClient, kinds: list[str]) -> None:
    answer = sent(http, "upload", form(), *kinds)
    assert answer.status_code == 415
    assert answer.text.startswith("Send files as multipart/form-data")


@pytest.mark.parametrize("kind", [PLAIN, "Application/JSON", 'application/json;charset="UTF-8"'])
def test_what_programs_send_is_json(http: TestClient, kind: str) -> None:
    assert sent(http, "call/fetch", b'{"data": ["x"]}', kind).status_code == 200


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"session_hash": "mine", "session_hash": "theirs", "data": []}', "stands twice"),
        (b'{"data": [{"path": "/mine", "path": "/theirs"}]}', "stands twice"),
        (b'{"data": [{"a": [{"b": 1, "\\u0062": 2}]}]}', "stands twice"),
        (b'\xef\xbb\xbf{"data": []}', "no JSON"),
        ('{"data": []}'.encode("utf-16"), "no JSON"),
        ('{"data": []}'.encode("utf-16-le"), "no JSON"),
        ('{"data": []}'.encode("utf-32-be"), "no JSON"),
        (b'{"data": ["\xff"]}', "no JSON"),
        (b'{"data": ["\\ud800"]}', "no JSON"),
        (b'{"data": ["\\udc00\\ud800"]}', "no JSON"),
        (b'{"data": [NaN]}', "no number"),
        (b'{"data": [-Infinity]}', "no number"),
        (b'{"data": [1e999]}', "too large"),
        (b'{"data": [1' + b"0" * 400 + b".0]}", "too large"),
        (b'{"data": [9223372036854775808]}', "too large"),
        (b'{"data": [1' + b"0" * 5000 + b"]}", "no JSON"),
        (b'{"data": ' + b"[" * 101 + b"]" * 101 + b"}", "within each other"),
        (b"[" * 100_000, "no JSON"),
        (b'{"data": []} {}', "no JSON"),
        (b"{'data': []}", "no JSON"),
        (b"[]", "JSON object"),
        (b'"session_hash"', "JSON object"),
        (b'{"session_hash": 5}', "has to be a text"),
        (b'{"event_id": ["e"]}', "has to be a text"),
    ],
)
def test_json_that_can_be_read_in_two_ways_is_refused(http: TestClient, body: bytes, problem: str) -> None:
    answer = sent(http, "queue/join", body, PLAIN)
    assert answer.status_code == 400
    assert problem in answer.json()["detail"]


@pytest.mark.parametrize(
    "value",
    [
        "caf\u00e9",
        "\U0001f600",
        "{}",
        '"',
        2**63 - 1,
        -(2**62),
        1.7976931348623157e308,
        5e-324,
        None,
        [[1]],
        {"a": {}},
        "",
    ],
)
def test_what_is_meant_in_one_way_is_read(value: object) -> None:
    for ascii_only in (True, False):
        body = json.dumps({"data": [value]}, ensure_ascii=ascii_only).encode()
        assert read_json(body) == {"data": [value]}


def test_lists_may_lie_within_each_other_up_to_a_bound() -> None:
    deep: list[Any] = []
    for _ in range(DEEPEST - 2):
        deep = [deep]
    assert list(files_in({"data": deep}, DEEPEST)) == []
    with pytest.raises(UnreadableError):
        list(files_in({"data": [[deep]]}, DEEPEST))


def test_a_body_names_ids_and_files() -> None:
    value = {
        "session_hash": "s",
        "event_id": "",
        "upload_id": None,
        "data": [{"x": [{"path": "/a"}]}, ["replace", ["path"], "/b"]],
    }
    found = asyncio.run(read(scope("queue/join"), json.dumps(value).encode()))
    assert (found.ids, found.files) == ({"s"}, {"/a", "/b"})


def test_inputs_by_name_are_no_ids() -> None:
    body = json.dumps({"session_hash": "an input of that name", "event_id": 5}).encode()
    assert not asyncio.run(read(scope("call/v2/fetch"), body)).ids


def test_a_form_names_ids_once() -> None:
    found = asyncio.run(read(scope("component_server", FORM), form(("session_hash", "s"), ("component_id", "3"))))
    assert (found.ids, found.fields["component_id"]) == ({"s"}, "3")
    for parts, problem in (
        ([("session_hash", "mine"), ("session_hash", "theirs")], "stands twice"),
        ([("x" * 9_000, "")], "broken"),
    ):
        with pytest.raises(UnreadableError, match=problem):
            asyncio.run(read(scope("component_server", FORM), form(*parts)))
    with pytest.raises(UnreadableError, match="broken"):
        asyncio.run(read(scope("component_server", FORM), b"no form"))


def test_answers_name_an_event_or_files() -> None:
    assert event_in(b'{"event_id":"e"}') == "e"
    assert event_in(b'{"detail":"no"}') == ""
    assert files_of(b'["/a","/b"]') == {"/a", "/b"}
    assert files_of(b'data: {"output":{"data":[{"path":"/c"}]}}\n\n') == {"/c"}
    assert files_of(b"event: complete") == set()


@pytest.fixture
def page(make_settings: MakeSettings) -> Iterator[TestClient]:
    """Serve a page with inputs of several kinds, an editor, and events that some visitors get later."""
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        kept, text, number = gr.State(1), gr.Textbox(), gr.Number(5)
        editor = gr.ImageEditor(elem_id="editor")

        def both(state: int, first: str, second: float = 5) -> str:
            return f"{state} {first} {second}"

        text.submit(both, [kept, text, number], text, api_name="both")
        text.blur(len, text, number, api_name="now", queue=False)
        editor.change(lambda: None, api_name="none")
    demo.queue(**queue_options(settings))
    with browse(application.create_app(demo, settings)) as client:
        yield client


def number_of(client: TestClient, name: str) -> int:
    """Find an event."""
    fns = client.app.state.demo.fns  # type: ignore[attr-defined]
    return next(number for number, fn in fns.items() if fn.api_name == name)


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("queue/join", {"data": []}, 422, "fn_index has to be"),
        ("queue/join", {"data": [], "fn_index": 99}, 404, "no event 99"),
        ("queue/join", {"data": [], "fn_index": -1}, 404, "no event -1"),
        ("queue/join", {"data": [], "fn_index": "0"}, 422, "fn_index has to be"),
        ("queue/join", {"data": [], "fn_index": True}, 422, "fn_index has to be"),
        ("queue/join", {"data": {}, "fn_index": 0}, 422, "data has to be a list"),
        ("queue/join", {"data": ["x"], "fn_index": 0}, 422, "takes 3 inputs, not 1"),
        ("run/predict", {"data": [], "fn_index": 99}, 404, "no event 99"),
        ("run/predict", {"data": []}, 422, "fn_index has to be"),
        ("run/now", {"data": ["four"]}, 422, "fn_index has to be"),
        ("call/both", {"data": ["x"]}, 422, "takes 3 inputs, not 1"),
        ("call/both", {}, 422, "data has to be a list"),
        ("call/v2/both", {}, 422, "'first' is missing"),
        ("call/v2/both", {"first": "x", "third": 1}, 422, "not 'third'"),
        ("call/v2/none", {"x": 1}, 422, "takes no inputs"),
        ("component_server", {"data": {}}, 422, "are needed"),
        ("component_server", {"session_hash": "s", "fn_name": "x", "component_id": 999}, 404, "no component 999"),
        ("component_server", {"session_hash": "s", "fn_name": "x", "component_id": None}, 422, "are needed"),
        ("component_server", {"session_hash": "s", "fn_name": 5, "component_id": 1}, 422, "are needed"),
    ],
)
def test_what_the_page_does_not_have_is_named(
    page: TestClient, path: str, body: dict[str, Any], status: int, problem: str
) -> None:
    answer = page.post(API + path, json={"session_hash": "s"} | body if "call" not in path else body)
    assert answer.status_code == status
    assert problem in answer.json()["detail"]


def test_what_fits_passes(page: TestClient) -> None:
    for path, body in (
        ("call/both", {"data": ["x", 5]}),  # as programs send it, without the state
        ("call/both", {"data": [None, "x", 5]}),  # as the page does
        ("call/v2/both", {"first": "x"}),
        ("queue/join", {"data": [None, "x", 5], "fn_index": number_of(page, "both"), "session_hash": "s"}),
        ("run/predict", {"data": ["four"], "fn_index": number_of(page, "now"), "session_hash": "s"}),
        ("run/now", {"data": ["four"], "fn_index": number_of(page, "now"), "session_hash": "s"}),
    ):
        assert page.post(API + path, json=body).status_code == 200, path


def test_an_event_that_is_not_there_has_no_inputs(page: TestClient) -> None:
    demo = page.app.state.demo  # type: ignore[attr-defined]
    with pytest.raises(UnreadableError, match="no event 'missing'"):
        fit_names(demo, "missing", {})


def test_a_component_is_found_by_json_and_by_form(page: TestClient) -> None:
    blocks = page.app.state.demo.blocks.items()  # type: ignore[attr-defined]
    editor = str(next(number for number, block in blocks if block.elem_id == "editor"))
    texts = {
        "session_hash": "s",
        "component_id": editor,
        "fn_name": "accept_blobs",
        "type": "background",
        "index": "",
        "id": "1",
    }
    assert page.post(f"{API}component_server", data=texts, files={"file": ("a.png", b"x")}).status_code == 200
    # Without what Gradio's own function reads, it stumbles.
    few = {name: texts[name] for name in ("session_hash", "component_id", "fn_name")}
    answer = page.post(f"{API}component_server", data=few, files={"file": ("a.png", b"x")})
    assert (answer.status_code, answer.json()["detail"]) == (400, "This request cannot be read.")
    assert page.post(f"{API}component_server", json=few | {"fn_name": "missing", "data": {}}).status_code == 404


def test_an_event_that_gr_render_made_is_one_of_its_visitor(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with gr.Blocks(analytics_enabled=False) as demo:
        text, shown = gr.Textbox(), gr.Textbox()

        @gr.render(inputs=text)
        def more(_: str) -> None:
            gr.Button().click(lambda: "rendered", None, shown, api_name="rendered")

    demo.queue(**queue_options(settings))
    with browse(application.create_app(demo, settings)) as client:
        before = client.app.state.demo.fns  # type: ignore[attr-defined]
        [first] = [number for number, fn in before.items() if fn.inputs]
        join = {"session_hash": "s", "data": [""], "fn_index": first}
        client.post(f"{API}queue/join", json=join)
        text_of_stream = client.get(f"{API}queue/data?session_hash=s").text
        assert "process_completed" in text_of_stream
        numbers = client.app.state.demo.state_holder["s"].blocks_config.fns  # type: ignore[attr-defined]
        [made] = set(numbers) - set(before)
        for session, status in (("s", 200), ("another", 404)):
            wanted = {"session_hash": session, "data": [], "fn_index": made}
            assert client.post(f"{API}queue/join", json=wanted).status_code == status


def test_gradio_knows_no_session_that_was_not_checked(http: TestClient) -> None:
    seen: list[frozenset[str]] = []
    access = http.app.state.access  # type: ignore[attr-defined]
    plain = access.owns

    async def owns(user: Any, ids: frozenset[str], files: Any, *_: object) -> bool:  # noqa: ANN401
        seen.append(frozenset(ids))
        return await plain(user, ids, files)

    access.owns = owns
    try:
        for number, kind in enumerate((PLAIN, FORM, "multipart/mixed; boundary=b", "text/plain", "")):
            fields = {"session_hash": f"s{number}", "component_id": 1, "fn_name": "x", "data": {}}
            for content in (json.dumps(fields).encode(), form(*((name, str(value)) for name, value in fields.items()))):
                sent(http, "component_server", content, kind)
    finally:
        del access.owns
    known = http.app.state.demo.state_holder.session_data  # type: ignore[attr-defined]
    assert {name for name in known if name.startswith("s")} <= {name for ids in seen for name in ids}
