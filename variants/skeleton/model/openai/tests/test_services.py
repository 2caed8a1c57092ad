"""The model, without Gradio."""

import asyncio

from services.model import answer, ask
from tests.fake import FakeServer, lines

QUESTION = [{"role": "user", "content": "Hello"}]


def test_the_answer_of_a_server_is_passed_on_piece_by_piece() -> None:
    server = FakeServer(200, lines("Hel", "", "lo"))

    async def read() -> list[str]:
        async with server.client() as client:
            return [piece async for piece in ask(client, "tiny", QUESTION)]

    assert asyncio.run(read()) == ["Hel", "lo"]
    assert server.asked == [{"model": "tiny", "messages": QUESTION, "stream": True}]


def test_without_a_server_a_stand_in_says_what_it_is() -> None:
    async def read() -> list[str]:
        return [piece async for piece in answer(QUESTION)]

    assert "stand-in" in "".join(asyncio.run(read()))
