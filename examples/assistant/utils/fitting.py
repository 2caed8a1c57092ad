"""Conversations that do not fit after all: how many tokens a text has, only the model knows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from services.protocol import ChatModel, Message, TooLongError
from utils.answers import Answer, answered


@dataclass(frozen=True)
class Talk:
    """What the model gets."""

    messages: list[Message]
    """Perhaps instructions, then turns that alternate, then what the visitor says now."""
    is_shortened: bool = False
    """Whether the oldest messages had no room."""

    def halved(self) -> "Talk | None":
        """Leave out the older half of the turns; None if there are none left."""
        begin = 1 if self.messages[0]["role"] == "system" else 0
        rest = self.messages[begin:]
        dropped = (len(rest) + 2) // 4 * 2  # turns of two
        return Talk([*self.messages[:begin], *rest[dropped:]], is_shortened=True) if len(rest) > 1 else None


async def fitted(model: ChatModel, talk: Talk, limit: int) -> AsyncGenerator[tuple[Answer, bool]]:
    """Ask a model, and again with half of the earlier messages as long as it says that these are too many.

    Args:
        model: Whom to ask.
        talk: What to send, as far as can be told from outside.
        limit: Tokens of the longest answer.

    Yields:
        The answer so far, and whether earlier messages are left out.

    Raises:
        TooLongError: if what the visitor says now is too much by itself.

    """
    begun = False
    while True:
        try:
            async with aclosing(answered(model.stream(talk.messages, limit))) as answers:
                async for answer in answers:
                    begun = begun or bool(answer.text or answer.steps)
                    yield answer, talk.is_shortened
        except TooLongError:
            # Tools that have run may have done something, and are not run again.
            fewer = None if begun else talk.halved()
            if fewer is None:
                raise
            talk = fewer
        else:
            return
