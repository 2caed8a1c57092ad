"""A model for the streaming app that takes the place of its `services/model.py`."""

from collections.abc import AsyncGenerator, Sequence

from services import work
from services.embedded import EmbeddedModel
from services.protocol import Message


class TokenModel(EmbeddedModel):
    """Gives the tokens of `work.py`."""

    async def stream(self, messages: Sequence[Message], max_tokens: int) -> AsyncGenerator[str]:  # noqa: ARG002
        """Give 50 tokens, one each 10 ms."""
        async for token in work.stream_async():
            yield token


def load_model(_delay: float = 0) -> TokenModel:
    """Load nothing."""
    return TokenModel(notice="")
