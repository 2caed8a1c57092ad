"""Tools: what the model is told of them, and what comes of a call."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from services.protocol import Piece, ToolCall
from services.remote import ModelServer, RemoteModel
from services.tools import Toolbox, current_time
from tests.fake_server import FakeServer
from tests.models import collect
from tests.moods import CALL, DONE, END, FINE, MORE_OF_IT, Mood, chunk, text


def find(what: int, where: str = "here") -> dict[str, object]:
    """Find something."""
    if what == 0:
        raise RuntimeError("password=hunter2")
    return {"what": what, "where": where}


async def find_slowly(what: int) -> str:
    """Find something, not blocking."""
    return f"found {what}"


def block(what: int) -> str:
    """Take long."""
    time.sleep(what)
    return ""


BOX = Toolbox((find, find_slowly, block), rounds=2, seconds=0.5)
ASK = Mood(chunk({"tool_calls": CALL}) + chunk({"tool_calls": MORE_OF_IT}, "tool_calls") + DONE)


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with FakeServer().running() as running:
        yield running


def read(fake: FakeServer, tools: Toolbox | None) -> list[Piece]:
    async def collected() -> list[Piece]:
        model = RemoteModel(ModelServer("tiny", fake.url), tools)
        async with model.client:
            return await collect(model.stream([{"role": "user", "content": "Find it"}], 20))

    return asyncio.run(collected())


def test_a_function_tells_the_model_what_it_takes() -> None:
    [spec, *_] = BOX.specs
    assert (spec["function"]["name"], spec["function"]["description"]) == ("find", "Find something.")
    assert spec["function"]["parameters"]["required"] == ["what"]
    assert spec["function"]["parameters"]["properties"]["where"]["type"] == "string"


def test_the_example_works_offline() -> None:
    done = asyncio.run(Toolbox().run(ToolCall("current_time", '{"time_zone": "Europe/Berlin"}')))
    assert ":" in done.result
    assert current_time() != ""


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (ToolCall("find", '{"what": 1}'), '{"what": 1, "where": "here"}'),
        (ToolCall("find_slowly", '{"what": 1}'), "found 1"),
        (ToolCall("block", '{"what": 0}'), "(nothing)"),
        (ToolCall("lose"), "Error: there is no tool lose. There are: find, find_slowly, block"),
        (ToolCall("find", '{"what": "x"}'), "Error: wrong arguments."),
        (ToolCall("find", "{oh"), "Error: wrong arguments."),
        (ToolCall("find", '{"what": 0}'), "Error: RuntimeError"),
        (ToolCall("block", '{"what": 1}'), "Error: the tool took more"),
    ],
)
def test_what_a_tool_gives_or_what_went_wrong_is_the_result(call: ToolCall, result: str) -> None:
    said = asyncio.run(BOX.run(call)).result
    assert said.startswith(result)
    assert "hunter2" not in said


def test_a_long_result_is_cut() -> None:
    assert len(asyncio.run(Toolbox((find,), longest=5).run(ToolCall("find", '{"what": 1}'))).result) == 5


def test_the_model_gets_the_result_and_answers(fake: FakeServer) -> None:
    fake.script = [ASK, Mood(text(FINE) + END)]
    pieces = read(fake, BOX)
    calls = [piece for piece in pieces if isinstance(piece, ToolCall)]
    assert [(call.id, call.result) for call in calls] == [("c", ""), ("c", '{"what": 1, "where": "here"}')]
    assert FINE in pieces
    asked = fake.requests[1]["messages"][1:]
    assert [message["role"] for message in asked] == ["assistant", "tool"]
    assert asked[0]["tool_calls"][0]["function"] == {"name": "find", "arguments": '{"what": 1}'}
    assert asked[1] == {"role": "tool", "tool_call_id": "c", "content": '{"what": 1, "where": "here"}'}


def test_a_model_that_asks_for_ever_is_offered_no_more_tools(fake: FakeServer) -> None:
    fake.script = [ASK] * 9
    read(fake, BOX)
    assert ["tools" in request for request in fake.requests] == [True, True, False]


def test_without_tools_a_call_is_shown_and_not_run(fake: FakeServer) -> None:
    fake.script = [ASK]
    [call, _] = read(fake, None)
    assert call == ToolCall("find", '{"what": 1}', id="c")
    assert "tools" not in fake.requests[0]
