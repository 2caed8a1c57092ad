"""What the page shows of an answer."""

from typing import Any

from services.protocol import Notice, Source, Thinking, ToolCall
from utils.answers import Answer
from utils.showing import to_markdown


def shown(*pieces: Any) -> str:  # noqa: ANN401
    answer = Answer()
    for piece in pieces:
        answer = answer.plus(piece, 1)
    return to_markdown(answer, answer.text)


def test_text_alone_is_shown_as_text() -> None:
    assert shown("Hel", "lo") == "Hello"


def test_what_came_beside_the_text_has_its_place() -> None:
    text = shown(Thinking("Is 1 < 2?"), ToolCall("find", "{}", "found"), "So", Source("https://a.example", "A"))
    assert text.index("1 &lt; 2") < text.index("found") < text.index("So") < text.index("[A](https://a.example)")
    assert shown(Notice("Loading")) == "*Loading*"
