"""What a conversation shows of an answer, and of a failure."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import gradio as gr
import pytest

from services.attachments import Attachment
from services.protocol import End, Notice, Source, Thinking, ToolCall
from tests.models import collect
from utils.answers import Answer
from utils.history import FILE
from utils.showing import GO_ON, aside, text_only, to_file, to_shown, to_text, told, without_failure

QUESTION = {"role": "user", "content": "Hi"}


def answer_of(*pieces: Any) -> Answer:  # noqa: ANN401
    answer = Answer()
    for piece in pieces:
        answer = answer.plus(piece, 1)
    return answer


def titles(*pieces: Any, **more: Any) -> list[str]:  # noqa: ANN401
    shown = to_shown(answer_of(*pieces), 20, **more)
    assert isinstance(shown, list)
    return [part.get("metadata", {}).get("title", part["content"]) for part in shown]


def test_text_alone_is_shown_as_text() -> None:
    assert to_shown(answer_of("Hello", End()), 20) == "Hello"


def test_what_came_beside_the_text_has_its_place() -> None:
    pieces = [Thinking("Hm."), ToolCall("find", "{}", "found"), "So", Source("https://a.example", "A")]
    assert titles(*pieces) == ["Thinking", "Tool: find", "So", "Sources"]
    assert titles("So", is_shortened=True) == ["Earlier messages are left out", "So"]
    assert titles(Notice("The model is loading. Next try in 5 s.")) == ["The model is loading. Next try in 5 s."]


def test_a_file_is_shown_folded_with_what_the_model_is_given_of_it() -> None:
    files = [
        Attachment("a.pdf", "Sales\tare up.", pages=2),
        Attachment("b.md", "```\ncode\n```"),
        Attachment("c", picture="x"),
    ]
    assert titles("So", files=files) == [f"{FILE}a.pdf", f"{FILE}b.md", "So"]
    shown = to_file(files[0])
    assert shown["metadata"] == {"title": "File: a.pdf", "status": "done", "log": "2 pages, 13 characters"}
    assert shown["content"] == [{"type": "text", "text": "```\nSales\tare up.\n```"}]
    assert to_file(files[1])["content"][0]["text"] == "````\n```\ncode\n```\n````"


def test_thinking_and_tools_turn_until_they_are_done() -> None:
    [thinking, step] = to_shown(answer_of(Thinking("Hm."), ToolCall("find")), 20)
    assert [part["metadata"]["status"] for part in (thinking, step)] == ["pending", "pending"]
    [thinking, _] = to_shown(answer_of(Thinking("Hm."), "So"), 20)
    assert thinking["metadata"]["status"] == "done"


def test_an_answer_that_was_cut_can_go_on() -> None:
    [text, note] = to_shown(answer_of("Hel", End("length")), 20)
    assert text["content"] == "Hel"
    assert "20 tokens" in note["content"]
    assert note["options"] == [{"label": "Go on", "value": GO_ON}]


async def fails(message: str, history: list[Any], _: str = "") -> AsyncGenerator[tuple[Any, Any]]:
    """Answer half."""
    yield "Half", [*history, {"role": "user", "content": message}, {"role": "assistant", "content": "Half"}]
    raise gr.Error("The model failed. (id 1)", title="Sorry", print_exception=False)


def test_a_failure_ends_the_conversation_with_a_way_on_and_keeps_what_was_said() -> None:
    frames = asyncio.run(collect(told(fails)("Hi", [])))
    conversation = frames[-1][1]
    assert [turn["content"] for turn in conversation] == ["Hi", "Half", "The model failed. (id 1)"]
    assert conversation[-1]["metadata"]["title"] == "Sorry"
    assert conversation[-1]["options"] == [{"label": "Try again", "value": "Hi"}]


def test_a_question_that_failed_is_asked_anew_with_its_files() -> None:
    asked: list[Any] = []

    async def notes(message: Any, history: list[Any]) -> AsyncGenerator[tuple[Any, Any]]:  # noqa: ANN401
        asked.append(message)
        async for frame in fails("Hi", history):
            yield frame

    file = {"type": "file", "file": {"path": "/uploads/a.txt"}}
    for text, value in (("And?", "And?"), ("", "Try again")):
        asked.clear()
        question = {"text": text, "files": ["/uploads/a.txt"]}
        failed = asyncio.run(collect(told(notes)(question, [])))[-1][1]
        assert failed[-1]["options"] == [{"label": "Try again", "value": value}]
        content = [file, {"type": "text", "text": text}] if text else [file]
        again = [{"role": "user", "content": content}, failed[-1]]
        asyncio.run(collect(told(notes)(value, again)))
        asyncio.run(collect(told(notes)("Another", again)))
        assert asked == [question, {"text": text, "files": [file["file"]]}, "Another"]


def test_a_question_that_failed_is_asked_anew() -> None:
    before = [QUESTION, {"role": "assistant", "content": "Hello"}]
    failed = asyncio.run(collect(told(fails)("And?", before)))[-1][1]
    assert without_failure(failed) == before
    assert without_failure(before) == before
    assert without_failure([]) == []
    assert without_failure([failed[-1]]) == []


def test_programs_get_the_text() -> None:
    async def answers(*_: object) -> AsyncGenerator[tuple[Any, Any]]:
        yield "Hel", []
        yield [aside("Thinking", "Hm."), {"role": "assistant", "content": "Hello"}], []

    assert [value for value, _ in asyncio.run(collect(text_only(answers)("Hi")))] == ["Hel", "Hello"]


@pytest.mark.parametrize("shown", ["", []])
def test_nothing_is_an_empty_text(shown: Any) -> None:  # noqa: ANN401
    assert to_text(shown) == ""
