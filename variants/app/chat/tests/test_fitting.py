"""A model that can read less than its server tells."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from services.protocol import Message, TooLongError
from tests.models import collect
from utils.fitting import Talk, fitted


class Small:
    """Reads so many messages."""

    notice = ""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.asked: list[list[str]] = []

    def warm_up(self) -> None:
        """Load nothing."""

    async def stream(self, messages: Sequence[Message], _max_tokens: int) -> AsyncGenerator[str]:
        self.asked.append([message["content"] for message in messages])
        if len(messages) > self.messages:
            raise TooLongError("Too long.")
        yield "Fine."


def talk(turns: int, *, instructions: bool = False) -> Talk:
    roles = ("user", "assistant")
    messages = [Message(role=roles[number % 2], content=str(number)) for number in range(2 * turns + 1)]
    return Talk([Message(role="system", content="Be kind."), *messages] if instructions else messages)


def shown(model: Small, talk: Talk) -> list[tuple[str, bool]]:
    return [(answer.text, is_shortened) for answer, is_shortened in asyncio.run(collect(fitted(model, talk, 8)))]


def test_a_model_that_reads_all_is_asked_once() -> None:
    model = Small(9)
    assert shown(model, talk(3))[-1] == ("Fine.", False)
    assert len(model.asked) == 1


@pytest.mark.parametrize("instructions", [False, True])
def test_the_older_half_goes_until_the_rest_fits(*, instructions: bool) -> None:
    model, first = Small(3 + instructions), ["Be kind."] if instructions else []
    assert shown(model, talk(5, instructions=instructions))[-1] == ("Fine.", True)
    assert model.asked[1:] == [[*first, "6", "7", "8", "9", "10"], [*first, "8", "9", "10"]]


class Wordy(Small):
    """Notices in the middle of its answer, as after a tool, that it is too much."""

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:
        yield "So far"
        async for piece in super().stream(messages, max_tokens):
            yield piece


def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    model = Wordy(3)
    with pytest.raises(TooLongError):
        shown(model, talk(5))
    assert len(model.asked) == 1


def test_a_message_that_is_too_long_alone_is_told() -> None:
    model = Small(0)
    with pytest.raises(TooLongError):
        shown(model, talk(2, instructions=True))
    assert model.asked[-1] == ["Be kind.", "4"]
