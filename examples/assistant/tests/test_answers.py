"""A growing answer of typed pieces, and what is said where it comes to nothing."""

import asyncio
import logging
from contextlib import aclosing

import pytest

from services.protocol import End, ModelUnavailableError, Notice, Piece, Source, Thinking, ToolCall
from tests.models import Endless, Scripted, collect
from utils.answers import EMPTY, FILTERED, ONLY_THOUGHT, THOUGHT_TOO_LONG, Answer, answered


def last(*pieces: Piece) -> Answer:
    """Read an answer to its end."""
    return asyncio.run(collect(answered(Scripted(*pieces).stream([], 0))))[-1]


def test_a_model_that_yields_text_alone_is_fine() -> None:
    answer = last("Hel", "lo")
    assert (answer.text, answer.tokens, answer.end, answer.thinking) == ("Hello", 2, None, "")


def test_each_kind_of_piece_has_its_place() -> None:
    step, page = ToolCall("find", '{"a": 1}', id="c"), Source("https://a.example", "A")
    answer = last(
        Notice("Loading"),
        Thinking("H"),
        Thinking("m."),
        step,
        ToolCall("find", '{"a": 1}', "found", "c"),
        "So",
        page,
        page,
    )
    assert (answer.thinking, answer.text, answer.sources, answer.notice) == ("Hm.", "So", (page,), "")
    assert [each.result for each in answer.steps] == ["found"]
    assert answer.tokens == 5


def test_a_notice_stays_until_something_comes() -> None:
    begun = Answer().plus(Notice("Loading"), 1)
    assert (begun.notice, begun.tokens) == ("Loading", 0)
    assert begun.plus("Hello", 2).notice == ""


def test_two_calls_without_an_id_are_two_steps() -> None:
    assert len(last(ToolCall("find"), ToolCall("find")).steps) == 2


def test_the_model_s_own_count_of_tokens_is_believed() -> None:
    answer = last("Hello", End("length", 7))
    assert (answer.tokens, answer.is_cut) == (7, True)
    assert not last("Hello", End()).is_cut


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([], EMPTY),
        ([" \n"], EMPTY),
        ([End()], EMPTY),
        ([Thinking("Hm."), End("filter")], FILTERED),
        ([Thinking("Hm.")], ONLY_THOUGHT),
        ([Thinking("Hm."), End("length")], THOUGHT_TOO_LONG),
    ],
)
def test_an_empty_answer_is_no_success(pieces: list[Piece], said: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "app.model"), pytest.raises(ModelUnavailableError) as caught:
        last(*pieces)
    assert str(caught.value) == said
    assert "the answer is empty" in caplog.text


def test_a_tool_call_alone_is_an_answer() -> None:
    assert last(ToolCall("find"), End("tools")).complaint == ""


def test_closing_the_answer_reaches_the_model() -> None:
    model = Endless()

    async def read_one() -> None:
        async with aclosing(answered(model.stream([], 0))) as stream:
            await anext(stream)

    asyncio.run(read_one())
    assert model.told_to_stop.is_set()
