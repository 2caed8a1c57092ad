"""A growing answer of typed pieces, and what is said where it has come to nothing."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Self

from services.protocol import End, ModelUnavailableError, Notice, Piece, Source, Thinking, ToolCall
from utils.throttle import Snapshot, throttled

log = logging.getLogger("app.model")

EMPTY = "The model gave an empty answer. Try again, or ask in other words."
FILTERED = "The model's filter held the answer back. Ask in other words."
ONLY_THOUGHT = "The model thought, and then gave no answer. Try again, or ask in other words."
THOUGHT_TOO_LONG = "The model thought until its limit and gave no answer. Allow a longer answer, or ask for less."


@dataclass(frozen=True)
class Answer(Snapshot):
    """A growing answer: its text, and what came beside it."""

    thinking: str = ""
    steps: tuple[ToolCall, ...] = ()
    sources: tuple[Source, ...] = ()
    notice: str = ""
    """Why nothing comes yet."""
    end: End | None = None
    """Only a model that tells why it ended has one."""

    def plus(self, piece: Piece, seconds: float) -> Self:
        """Give the answer with one more piece, which came after so many seconds."""
        match piece:
            case Notice():
                return replace(self, notice=piece.text)
            case End():
                return replace(self, end=piece, notice="", tokens=piece.tokens or self.tokens)
            case Source():
                known = piece.url in {source.url for source in self.sources}
                return self if known else replace(self, sources=(*self.sources, piece))
            case ToolCall():
                others = tuple(step for step in self.steps if not piece.id or step.id != piece.id)
                return replace(self.counted(seconds), steps=(*others, piece), notice="")
            case Thinking():
                return replace(self.counted(seconds), thinking=self.thinking + piece.text, notice="")
            case _:
                return replace(self.counted(seconds), text=self.text + piece, notice="")

    @property
    def is_cut(self) -> bool:
        """Tell whether the answer ends at its limit."""
        return self.end is not None and self.end.reason == "length"

    @property
    def complaint(self) -> str:
        """Say why this is no answer; empty if it is one."""
        if self.text.strip() or self.steps:
            return ""
        if self.end is not None and self.end.reason == "filter":
            return FILTERED
        if self.thinking:
            return THOUGHT_TOO_LONG if self.is_cut else ONLY_THOUGHT
        return EMPTY


async def answered(pieces: AsyncGenerator[Piece]) -> AsyncGenerator[Answer]:
    """Join the pieces of an answer at the pace that a page can show.

    Raises:
        ModelUnavailableError: if there is nothing to read in it: an empty answer is no success.

    """
    answer = Answer()
    async with aclosing(throttled(pieces, answer)) as answers:
        async for answer in answers:
            yield answer
    if answer.complaint:
        reason = answer.end.reason if answer.end else "not told"
        log.warning("the answer is empty: reason %s, %s characters of thinking", reason, len(answer.thinking))
        raise ModelUnavailableError(answer.complaint)
