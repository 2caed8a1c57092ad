"""Feature `mcp`: the public events are tools for language models, at `/gradio_api/mcp/`.

Gradio describes the tools. A call takes the same way as one of the page, through the gate and the queue, for the user
who sent it and in a session of its own: limits, checks and owners are the same, and nobody gets more rights.
"""

import json
import uuid
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httpx
from fastapi import FastAPI
from gradio_client import handle_file  # pyright: ignore[reportMissingTypeStubs]
from gradio_client.utils import decode_base64_to_binary  # pyright: ignore[reportMissingTypeStubs]
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server import gradio_adapter
from server.settings import ServerSettings

if TYPE_CHECKING:
    from gradio.mcp import GradioMCPServer as BaseTools
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send
else:
    BaseTools = gradio_adapter.tools_base()

PATHS = ("/gradio_api/mcp", "/gradio_api/mcp/")
ABOUT_THE_BODY = {"accept", "accept-encoding", "connection", "content-length", "content-type", "transfer-encoding"}
ALL = "*"


@dataclass(frozen=True)
class Inline:
    """A file that lies in a call itself. Nothing that comes as JSON can pretend to be one."""

    url: str


class Tools(BaseTools):
    """Gradio's tools, called through the gate."""

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        """Take the events that `settings` allow.

        Raises:
            SystemExit: one line that says which names are wrong.

        """
        super().__init__(app.state.demo)
        self.app, self.root_path = app, settings.root_path
        events = {f"/{fn.api_name}": fn for fn in gradio_adapter.events(self.blocks).values()}
        # Gradio runs an event without a queue past the gate.
        usable = {tool: name for tool, name in self.tool_to_endpoint.items() if events[name].queue}
        known = sorted(name[1:] for name in usable.values())
        if unknown := set(settings.mcp_events) - {ALL, *known}:
            raise SystemExit(f"APP_MCP_EVENTS: {sorted(unknown)} cannot be tools. Choose from: {', '.join(known)}.")
        chosen = {f"/{name}" for name in (known if ALL in settings.mcp_events else settings.mcp_events)}
        self.tool_to_endpoint = {tool: name for tool, name in usable.items() if name in chosen}
        self.manager = self.new_manager()

    def new_manager(self) -> StreamableHTTPSessionManager:
        """Make what answers requests; each of them stands alone, so that no session can be taken over."""
        return StreamableHTTPSessionManager(app=self.mcp_server, stateless=True)

    def warn_about_state_inputs(self) -> None:
        """Keep quiet: that each call is a session of its own is meant."""

    def get_input_schema(
        self, tool_name: str, parameters: dict[str, str] | None = None
    ) -> tuple[dict[str, Any], list[list[str | int]]]:
        """Put right what Gradio 6.31 gets wrong: references lead to the top of a schema, and no type is no type."""
        schema, files = super().get_input_schema(tool_name, parameters)
        for described in schema["properties"].values():
            schema.setdefault("$defs", {}).update(described.pop("$defs", {}))
            if not described.get("type"):
                described.pop("type", None)
        return schema, files

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:  # noqa: ANN401
        """Make files of the texts that stand for them: addresses, and `data:` URLs."""
        places = [names_in(place) for place in filedata_positions]

        def walk(node: Any, path: list[str | int]) -> Any:  # noqa: ANN401
            if isinstance(node, dict):
                return {key: walk(item, [*path, key]) for key, item in cast("dict[str, Any]", node).items()}
            if isinstance(node, list):
                return [walk(item, path) for item in cast("list[Any]", node)]
            return file_of(node) if isinstance(node, str) and names_in(path) in places else node

        return walk(value, [])

    def submit(self, *inputs: object, api_name: str, headers: dict[str, str]) -> Awaitable[list[Any]]:
        """Begin a call for whoever sent the request that is answered now."""
        request = cast("Request", self.mcp_server.request_context.request)
        return self.call(api_name, list(inputs), headers, request.scope)

    async def call(self, api_name: str, inputs: list[Any], headers: dict[str, str], scope: "Scope") -> list[Any]:
        """Send an event to the gate, from the same address and for the same user, and give its outputs.

        Raises:
            RuntimeError: with the text that the page would show.

        """
        state = scope["state"]

        async def for_user(inner: "Scope", receive: "Receive", send: "Send") -> None:
            await self.app({**inner, "state": {"user": state["user"]}}, receive, send)

        sent = {name: value for name, value in headers.items() if name not in ABOUT_THE_BODY}
        sent["x-request-id"] = state["request_id"]
        transport = httpx.ASGITransport(for_user, client=(state["peer"], 0))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=sent) as gate:
            body = {"data": await uploaded(inputs, gate), "session_hash": uuid.uuid4().hex}
            joined = await sure(gate.post(f"/gradio_api/call{api_name}", json=body))
            event = joined.json()["event_id"]
            return outputs_in(await sure(gate.get(f"/gradio_api/call{api_name}/{event}")))

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request of a model; there are no standing connections."""
        if scope["method"] != "POST":
            await PlainTextResponse("POST only", 405, {"allow": "POST"})(scope, receive, send)
            return
        await self.manager.handle_request(scope, receive, send)


def names_in(path: list[str | int]) -> list[str | int]:
    """Keep the names of a path through a schema: choices and lists are not in the value."""
    return [part for part in path if part not in {"anyOf", "items"} and isinstance(part, str)]


def file_of(text: str) -> Any:  # noqa: ANN401
    """Make a file of a text.

    Raises:
        ValueError: if it is neither an address nor a `data:` URL.

    """
    if text.startswith("data:"):
        return Inline(text)
    if not text.startswith(("http://", "https://")):
        raise ValueError("A file is an http or https address, or a data: URL.")
    return cast("Any", handle_file(text))


async def uploaded(value: Any, gate: httpx.AsyncClient) -> Any:  # noqa: ANN401
    """Upload the files that lie in a call, so that they belong to its user, however deep they are."""
    if isinstance(value, dict):
        return {key: await uploaded(item, gate) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [await uploaded(item, gate) for item in cast("list[Any]", value)]
    if not isinstance(value, Inline):
        return value
    content, extension = decode_base64_to_binary(value.url)
    name = f"file.{extension or 'bin'}"
    answer = await sure(gate.post("/gradio_api/upload", files={"files": (name, content)}))
    return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}


async def sure(sent: Awaitable[httpx.Response]) -> httpx.Response:
    """Wait for an answer.

    Raises:
        RuntimeError: with the text of a refusal.

    """
    answer = await sent
    if answer.is_error:
        raise RuntimeError(problem_in(answer.text))
    return answer


def outputs_in(stream: httpx.Response) -> list[Any]:
    """Give the outputs that a stream ends with.

    Raises:
        RuntimeError: with the text of the error that it ends with.

    """
    kind, _, data = stream.text.strip().split("\n\n")[-1].partition("\n")
    if kind != "event: complete":
        raise RuntimeError(problem_in(data.removeprefix("data: ")))
    return json.loads(data.removeprefix("data: "))


def problem_in(answer: str) -> str:
    """Give the text that an error brings along: as JSON under a name, or plain."""
    try:
        found = cast("dict[str, Any] | None", json.loads(answer)) or {}
    except ValueError:
        return answer
    return str(found.get("detail") or found.get("error") or "The event failed.")


def add_tools(app: FastAPI, settings: ServerSettings) -> None:
    """Add the tools to what is served."""
    tools = Tools(app, settings)
    app.router.routes += [Route(path, tools, methods=["GET", "POST", "DELETE"]) for path in PATHS]
    served = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(running: Any) -> AsyncGenerator[Any]:  # noqa: ANN401
        tools.manager = tools.new_manager()
        async with tools.manager.run(), served(running) as state:
            yield state

    app.router.lifespan_context = lifespan
