"""The model, without Gradio."""

import asyncio

from services.model import answer


def test_an_answer_comes_piece_by_piece_and_says_what_it_is() -> None:
    async def read() -> list[str]:
        return [piece async for piece in answer([{"role": "user", "content": "Hello"}])]

    pieces = asyncio.run(read())
    assert len(pieces) > 1
    assert "stand-in" in "".join(pieces)
    assert "Hello" in "".join(pieces)
