"""Tools for language models: described from the public events, and called like them, through the gate."""

import asyncio
import base64
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from fastapi import FastAPI
from gradio.processing_utils import encode_pil_to_bytes
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult
from PIL import Image
from starlette.testclient import TestClient

from server import application
from server.access.identity import current_user
from server.access.keys import new_key
from server.errors import boundary
from server.features.mcp import file_of, problem_in
from server.queueing import queue_options
from tests.server.access import headers
from tests.server.client import browse
from tests.server.fixtures import MakeApp, MakeSettings, Serve
from tests.server.tiny import InputError

PATH = "/gradio_api/mcp/"
KEY, API_KEYS = new_key("agent")
AGENT = {"Authorization": f"Bearer {KEY}"}
ASKS = {"accept": "application/json, text/event-stream"}
LETTER = "data:text/plain;base64," + base64.b64encode(b"Dear Bo").decode()
# A picture of one pixel.
DOT = "data:image/png;base64," + base64.b64encode(encode_pil_to_bytes(Image.new("RGB", (1, 1)))).decode()


@boundary
def who(request: gr.Request) -> str:
    """Tell who asks."""
    return current_user(request).id


@boundary
def refuse(text: str) -> str:
    """Refuse any text.

    Args:
        text: What is refused.

    """
    raise InputError(f"{text} is too long.")


@boundary
def fail(_: str) -> str:
    raise RuntimeError("secret")


@boundary
def keep(kept: list[str], text: str) -> tuple[list[str], str, str]:
    return [*kept, text], f"before: {kept}", text


@boundary
def read(path: str) -> str:
    return Path(path).read_text()


@boundary
def echo(anything: object) -> str:
    return str(anything)


@boundary
def measure(drawing: dict[str, Any]) -> str:
    return f"{drawing['composite'].width} pixels, {len(drawing['layers'])} layers"


@boundary
def write(text: str) -> str:
    path = Path(os.environ["GRADIO_TEMP_DIR"]) / f"{uuid.uuid4().hex}.txt"
    path.write_text(text)
    return str(path)


def tools_app(make_settings: MakeSettings, **changes: Any) -> FastAPI:  # noqa: ANN401
    """Serve events of all kinds."""
    settings = make_settings(**({"api_keys": API_KEYS} | changes))
    with gr.Blocks(analytics_enabled=False) as demo:
        text, shown, file, state = gr.Textbox(), gr.Textbox(), gr.File(), gr.State([])
        editor, anything = gr.ImageEditor(type="pil"), gr.JSON()
        text.submit(who, None, shown, api_name="who")
        text.submit(who, None, shown, api_name="unqueued", queue=False)
        text.submit(who, None, shown, api_name="hidden", api_visibility="private")
        text.submit(refuse, text, shown, api_name="refuse")
        text.submit(fail, text, shown, api_name="fail")
        text.submit(keep, [state, text], [state, shown, text], api_name="keep")
        text.submit(read, file, shown, api_name="read")
        text.submit(measure, editor, shown, api_name="measure")
        text.submit(echo, anything, shown, api_name="echo")
        text.submit(write, text, file, api_name="write")
    demo.queue(**queue_options(settings))
    return application.create_app(demo, settings)


@pytest.fixture
def app(make_settings: MakeSettings) -> FastAPI:
    return tools_app(make_settings)


@pytest.fixture
def ada(app: FastAPI) -> Iterator[TestClient]:
    with browse(app) as client:
        yield client


def another(client: TestClient, **sent: str) -> TestClient:
    """Give a second visitor of the same running app."""
    other = TestClient(client.app, base_url="http://localhost", headers=sent)
    other.portal = client.portal
    return other


def post(client: TestClient, method: str, params: dict[str, Any] | None = None, **sent: str) -> httpx.Response:
    """Send one message as a client of any kind would."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    return client.post(PATH, json=message, headers=ASKS | sent)


def result_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    [data] = [line for line in answer.text.splitlines() if line.startswith("data: {")]
    return json.loads(data.removeprefix("data: "))["result"]


def call(client: TestClient, tool: str, **arguments: object) -> tuple[bool, list[str]]:
    """Call a tool; give whether it worked, and its texts."""
    result = result_of(post(client, "tools/call", {"name": tool, "arguments": arguments}))
    return not result["isError"], [item["text"] for item in result["content"]]


def name_of(client: TestClient) -> str:
    """Ask who somebody is by the way that the page takes."""
    event = client.post("/gradio_api/call/who", json={"data": []}).json()["event_id"]
    return json.loads(client.get(f"/gradio_api/call/who/{event}").text.partition("data: ")[2])[0]


def test_only_public_events_that_wait_in_the_queue_are_tools(ada: TestClient) -> None:
    tools = {tool["name"]: tool for tool in result_of(post(ada, "tools/list"))["tools"]}
    assert set(tools) == {"who", "refuse", "fail", "keep", "read", "measure", "echo", "write"}
    assert tools["refuse"]["description"].startswith("Refuse any text.")
    assert tools["refuse"]["inputSchema"]["properties"]["text"]["description"] == "What is refused."
    for name in ("who_1", "unqueued", "hidden"):
        assert call(ada, name)[0] is False


def test_the_public_events_of_this_app_are_its_tools(make_app: MakeApp) -> None:
    with browse(make_app()) as client:
        assert len(result_of(post(client, "tools/list"))["tools"]) == len({"fetch", "read"})


def test_a_real_client_lists_and_calls_the_tools(app: FastAPI, serve: Serve) -> None:
    async def use(url: str, sent: dict[str, str]) -> tuple[set[str], list[CallToolResult]]:
        async with (
            httpx.AsyncClient(headers=sent) as http,
            streamable_http_client(f"{url}{PATH}", http_client=http) as (read_stream, write_stream, *_),
            ClientSession(read_stream, write_stream) as session,
        ):
            await session.initialize()
            names = {tool.name for tool in (await session.list_tools()).tools}

            async def progress(*_: object) -> None:
                pass

            return names, [await session.call_tool("who"), await session.call_tool("who", progress_callback=progress)]

    with serve(app) as url:
        for sent, name in ((headers("bo"), None), (AGENT, "key:agent")):
            names, results = asyncio.run(use(url, sent))
            assert "who" in names
            for result in results:
                [item] = result.content
                assert not result.isError
                assert name is None or getattr(item, "text", "") == name


def test_a_tool_works_for_whoever_calls_it(ada: TestClient) -> None:
    assert call(ada, "who") == (True, [name_of(ada)])
    assert call(another(ada, **AGENT), "who") == (True, ["key:agent"])


def test_strangers_and_wrong_keys_get_nothing(app: FastAPI, ada: TestClient) -> None:
    for method in ("initialize", "tools/list", "tools/call"):
        assert post(another(ada), method, Authorization="Bearer wrong").status_code == 401
        if app.state.access.known_only:
            assert post(another(ada), method).status_code == 401


def test_hosts_and_other_sites_are_checked(ada: TestClient) -> None:
    assert post(ada, "tools/list", host="evil.example").status_code == 400
    assert post(ada, "tools/list", origin="https://evil.example").status_code == 403
    assert post(ada, "tools/list", **{"sec-fetch-site": "cross-site"}).status_code == 403


def test_there_are_no_standing_connections_and_no_other_ways_in(make_settings: MakeSettings, serve: Serve) -> None:
    # Over the network, where what stands ends in a time-out.
    with serve(tools_app(make_settings)) as url, httpx.Client(base_url=url, headers=headers() | ASKS) as ada:
        for path in (PATH, PATH[:-1]):
            for method in ("GET", "DELETE"):
                assert ada.request(method, path).status_code == 405
        for path in ("sse", "schema", "messages/", "http"):
            assert ada.get(f"{PATH}{path}").status_code == 404


def test_each_call_is_a_session_of_its_own(ada: TestClient) -> None:
    assert call(ada, "keep", text="one") == (True, ["before: []", "one"])
    assert call(ada, "keep", text="two") == (True, ["before: []", "two"])


def test_a_model_reads_what_a_visitor_would_read(ada: TestClient) -> None:
    worked, [text] = call(ada, "refuse", text="This")
    assert not worked
    assert "This is too long." in text
    worked, [text] = call(ada, "fail", _="x")
    assert not worked
    assert "Something went wrong on our side" in text
    assert "secret" not in text


def test_a_file_comes_in_a_call_and_belongs_to_the_caller(app: FastAPI, ada: TestClient) -> None:
    assert call(ada, "read", path=LETTER) == (True, ["Dear Bo"])
    worked, [address] = call(ada, "write", text="Dear Ada")
    assert worked
    path = address.partition("/gradio_api/")[2]
    assert ada.get(f"/gradio_api/{path}").text == "Dear Ada"
    if app.state.access.known_only:
        bo = another(ada, **headers("bo"))
        assert bo.get(f"/gradio_api/{path}").status_code == 403
        stolen = {"path": path.removeprefix("file="), "meta": {"_type": "gradio.FileData"}}
        worked, [text] = call(bo, "read", path=stolen)
        assert (worked, "Dear Ada" in text) == (False, False)


def test_a_file_may_lie_deep_in_a_call(ada: TestClient) -> None:
    drawing = {"background": None, "layers": [DOT, DOT], "composite": DOT}
    assert call(ada, "measure", drawing=drawing) == (True, ["1 pixels, 2 layers"])


def test_a_file_may_be_an_address() -> None:
    # Gradio fetches it, and only from public addresses.
    assert file_of("https://example.com/a.txt")["path"] == "https://example.com/a.txt"


def test_a_schema_can_be_read_as_it_is(ada: TestClient) -> None:
    tools = {tool["name"]: tool["inputSchema"] for tool in result_of(post(ada, "tools/list"))["tools"]}
    assert "FileData" in tools["measure"]["$defs"]
    assert call(ada, "echo", anything=[{"any": 1}]) == (True, ["[{'any': 1}]"])


def test_files_of_the_server_are_not_read(ada: TestClient) -> None:
    passwords = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert call(ada, "read", path="/etc/passwd")[0] is False
    assert call(ada, "echo", anything=passwords)[0] is False


def test_a_stopping_server_takes_no_new_calls(make_settings: MakeSettings) -> None:
    app = tools_app(make_settings)
    with browse(app) as client:
        app.state.work.stopping = True
        worked, [text] = call(client, "who")
    assert not worked
    assert "restarting" in text


def test_a_call_is_refused_where_the_event_would_be(
    app: FastAPI, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def owns(_user: object, ids: frozenset[str], *_: object) -> bool:
        return not ids

    monkeypatch.setattr(app.state.access, "owns", owns)
    assert call(ada, "who") == (False, ["This belongs to somebody else."])


def test_the_setting_narrows_the_tools(make_settings: MakeSettings) -> None:
    with browse(tools_app(make_settings, mcp_events=["who"])) as client:
        assert [tool["name"] for tool in result_of(post(client, "tools/list"))["tools"]] == ["who"]
        assert call(client, "keep", text="x")[0] is False
    for name in ("missing", "hidden", "unqueued"):
        refusal = rf"^APP_MCP_EVENTS: \['{name}'\] cannot be tools\. Choose from: echo, fail"
        with pytest.raises(SystemExit, match=refusal):
            tools_app(make_settings, mcp_events=[name])


def test_what_an_error_says_is_found() -> None:
    assert problem_in('{"detail": "a"}') == "a"
    assert problem_in('{"error": "b"}') == "b"
    assert problem_in("plain") == "plain"
    assert problem_in("null") == "The event failed."
