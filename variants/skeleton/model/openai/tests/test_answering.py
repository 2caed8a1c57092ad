"""From the settings to whoever answers, and what is said when nobody does."""

import asyncio

import openai
import pytest

from services.model import answer
from tests.conftest import MakeSettings
from tests.fake import FakeServer, lines
from utils.answering import ModelUnavailableError, asking, find_answer


def read(server: FakeServer) -> list[str]:
    """Ask a fake server as the page does."""

    async def collected() -> list[str]:
        async with server.client() as client:
            return [piece async for piece in asking(client, "tiny")([{"role": "user", "content": "Hello"}])]

    return asyncio.run(collected())


def test_the_settings_choose_who_answers(make_settings: MakeSettings) -> None:
    assert find_answer(make_settings()) is answer
    assert find_answer(make_settings(model_url="http://localhost:11434/v1")) is not answer
    assert find_answer(make_settings(model_key="key")) is not answer


def test_a_server_answers() -> None:
    assert read(FakeServer(200, lines("Hel", "lo"))) == ["Hel", "lo"]


@pytest.mark.parametrize(
    ("status", "text", "advice"),
    [
        (429, "SECRET", "try again in a minute"),
        (500, "SECRET", "try again in a minute"),
        (503, '{"error": {"code": "queue_full"}}', "Queue is full"),
    ],
)
def test_what_may_pass_is_said_in_plain_words(status: int, text: str, advice: str) -> None:
    with pytest.raises(ModelUnavailableError, match=advice) as caught:
        read(FakeServer(status, text))
    assert "SECRET" not in str(caught.value)


def test_what_the_operator_must_mend_goes_on_as_it_is() -> None:
    with pytest.raises(openai.AuthenticationError):
        read(FakeServer(401, "wrong key"))
